/** Folders with a wrangler configuration, and what a command says of the database that it means there. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

import { folder, listing, run } from '../support';

export const toml = `
account_id = "account-of-file"
[env.development]
[[env.development.d1_databases]]
binding = "DB"
database_name = "development-art"
database_id = "id-of-development"
preview_database_id = "id-of-preview"
[[env.development.r2_buckets]]
binding = "PHOTOS_BUCKET"
bucket_name = "development-photos"
[env.production]
[[env.production.d1_databases]]
binding = "DB"
database_name = "art"
database_id = "id-of-production"
[[env.production.r2_buckets]]
binding = "PHOTOS_BUCKET"
bucket_name = "photos"
`;

/** Files by path; folders are made as needed. */
export function project(files: Readonly<Record<string, string>>): string {
  const root = folder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

export const state = '.wrangler/state/v3/d1/miniflare-D1DatabaseObject/metadata.sqlite';
export const token = { CLOUDFLARE_API_TOKEN: 'token-that-nobody-may-see' };

/** The first line: what the command says it backs up. */
export async function first(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(['backup', '--no-photos', ...args], { cwd, env });
  expect(`${stdout}${stderr}`).not.toContain(token.CLOUDFLARE_API_TOKEN);
  return stdout.split('\n')[0] ?? '';
}

export async function refused(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const before = listing(cwd);
  const { code, stdout, stderr } = await run(['backup', ...args], { cwd, env });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toContain(token.CLOUDFLARE_API_TOKEN);
  expect(listing(cwd)).toEqual(before);
  return stderr;
}

/** The first request of a command to Cloudflare's API, where nobody is let in. */
export async function asked(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const paths: string[] = [];
  const body = '{"success":false,"errors":[{"code":10000,"message":"no"}],"result":null}';
  const server = createServer(({ url = '' }, response) => {
    paths.push(url);
    response.writeHead(403, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const api = { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${String(port)}` };
  try {
    await run(['backup', '--remote', '--no-photos', ...args], {
      cwd,
      env: { ...token, ...api, ...env },
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return paths[0] ?? 'nothing was asked';
}
