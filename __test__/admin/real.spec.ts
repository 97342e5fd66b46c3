/** The service with the real addon: what it publishes is a dump that others can open, and it goes on answering meanwhile. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

import { folder, listing, removeFolders, root } from '../support';
import { issuer, jwt, panelOrigin, publicKey } from '../support/admin/callers';
import { Client, type Dump } from '../support/admin/client';
import { clerkIds, people } from '../support/admin/people';
import { serve, stopServices } from '../support/admin/service';
import { account, D1Double, databaseId, token } from '../support/d1';
import { evaluate } from '../support/evaluate';
import { PhotoServer } from '../support/photo-server';
import { newer, photos } from '../support/platform';
import { onTmpfs } from '../support/process';
import { sha256, sqlite, tool } from '../support/tools';

const crowd = 100;
const admins = Array.from({ length: crowd }, (_, n) => `admin-token-${String(n).padStart(4, '0')}`);

let base: string;
let env: Record<string, string>;

beforeEach(() => {
  base = folder();
  mkdirSync(join(base, 'state'));
  const database = newer(base);
  const rows = [people.roleAdmin, ...admins].map((id) => `('${id}', '${id}', 'admin', 1)`);
  sqlite(
    database,
    `CREATE TABLE user_roles (id TEXT PRIMARY KEY, user_token TEXT, role TEXT, is_active INTEGER);
     INSERT INTO user_roles VALUES ${rows.join(', ')};`,
  );
  env = {
    SOURCE_DATABASE_FILE: database,
    SOURCE_PHOTOS_DIR: photos(base),
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    DUMPS_DIR: join(base, 'public'),
  };
});

afterEach(async () => {
  await stopServices();
  removeFolders();
});

function addWorks(count: number): void {
  sqlite(
    env['SOURCE_DATABASE_FILE'] ?? '',
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO artwork SELECT printf('b0000000-0000-4000-8000-%012d', i), 'Work ' || i,
       hex(randomblob(60)), 49.1, -123.1, '{"artwork_type":"mural"}', NULL, 'approved' FROM n`,
  );
}

it('makes a dump and a private backup that others can open, and gives nobody away', async () => {
  const service = await serve(env);
  const admin = new Client(service, people.roleAdmin);
  const answer = await admin.generate({}, 60);
  expect(answer).toMatchObject({ status: 200, data: { metadata: { total_artworks: 3 } } });
  const [dump] = (await admin.dumps()).dumps as [Dump];
  const response = await fetch(dump.download_url.replace('http://localhost:0', service.url));
  const copy = join(base, 'copy.zip');
  writeFileSync(copy, Buffer.from(await response.arrayBuffer()));
  expect(sha256(copy)).toBe(dump.sha256);
  tool('unzip', ['-tq', copy]);
  expect(JSON.parse(tool('unzip', ['-p', copy, 'artwork.json']))).toHaveLength(3);

  const review = await admin.make({ publish: false });
  expect(review).toMatchObject({ state: 'review', result: { redactions: { email: 0 } } });
  expect((review.result as { first_records: unknown[] }).first_records).toHaveLength(3);

  const backup = await admin.ask<{ result: { filename: string } }>(
    'POST',
    'backup/generate',
    {},
    { prefer: 'wait=60' },
  );
  expect(backup).toMatchObject({ status: 200, data: { state: 'succeeded' } });
  expect((await admin.ask('GET', 'backups')).data).toMatchObject({
    total: 1,
    backups: [{ sha256: expect.any(String) as string }],
  });
  expect((await fetch(`${service.url}/backups/${backup.data.result.filename}`)).status).toBe(404);
  expect(service.output()).not.toContain(people.roleAdmin);
});

it('publishes the warnings of the archive, and those about what is private to nobody', async () => {
  sqlite(
    env['SOURCE_DATABASE_FILE'] ?? '',
    'ALTER TABLE artwork ADD COLUMN secret_review TEXT',
    'CREATE TABLE "notes jane@example.org" (x TEXT)',
  );
  const service = await serve(env);
  const admin = new Client(service, people.roleAdmin);
  const made = await admin.make();
  const told = JSON.stringify(made.result?.['operator_warnings']);
  expect(told).toContain('secret_review');
  expect(told).toContain('jane@example.org');
  for (const name of ['latest.json', 'index.json']) {
    const text = await (await fetch(`${service.url}/public-data-dumps/${name}`)).text();
    expect(text).not.toMatch(/secret_review|jane@/);
  }
  const published = await admin.latestPublic();
  const key = `public-data-dumps/${published.id}/${published.filename}`;
  const { warnings } = JSON.parse(
    tool('unzip', ['-p', join(base, 'public', key), 'metadata.json']),
  ) as { warnings: { message: string; subject?: string }[] };
  const words = warnings.map(({ message, subject = '' }) =>
    subject === '' ? message : `${message} (${subject})`,
  );
  expect(published.warnings).toEqual([...new Set(words)]);
});

it('refuses to publish a dump that has lost most of its works, unless told to', async () => {
  addWorks(60);
  const service = await serve(env);
  const admin = new Client(service, people.roleAdmin);
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  sqlite(env['SOURCE_DATABASE_FILE'] ?? '', `DELETE FROM artwork WHERE id LIKE 'b%'`);
  const shrunk = await admin.make();
  expect(shrunk).toMatchObject({ state: 'failed', error: { code: 'DUMP_SHRUNK' } });
  expect(shrunk.error?.message).toMatch(/3 artworks instead of 63/);
  expect((await admin.dumps()).dumps[0]?.metadata['total_artworks']).toBe(63);
  expect(await admin.make({ allow_shrink: true })).toMatchObject({ state: 'succeeded' });
  expect((await admin.dumps()).dumps[0]?.metadata['total_artworks']).toBe(3);
});

it('reads the rows, and who is an admin, from D1 at Cloudflare, and asks it for nobody else', async () => {
  const { SOURCE_DATABASE_FILE: file = '', ...rest } = env;
  sqlite(file, `INSERT INTO user_roles VALUES ('clerk', '${clerkIds.admin}', 'admin', 1)`);
  const d1 = await new D1Double(file).listen();
  try {
    const remote = {
      ADMIN_JWT_ISSUER: issuer,
      ADMIN_JWT_KEY: publicKey,
      ADMIN_ORIGINS: panelOrigin,
      CLOUDFLARE_API_BASE_URL: d1.apiUrl,
      CLOUDFLARE_ACCOUNT_ID: account,
      D1_DATABASE_ID: databaseId,
      CLOUDFLARE_API_TOKEN: token,
    };
    const service = await serve({ ...rest, ...remote });
    const tokenOf = (sub: string): string => jwt({ sub, org_id: undefined, org_role: undefined });
    const dump = await new Client(service, tokenOf(clerkIds.admin)).generate({}, 60);
    expect(dump).toMatchObject({ status: 200, data: { metadata: { total_artworks: 3 } } });
    // A token that is not signed may be a guess, and each look-up counts at Cloudflare.
    const before = d1.requests;
    for (const guess of [people.roleAdmin, people.user, 'guess']) {
      expect((await new Client(service, guess).generate()).status).toBe(401);
    }
    expect(d1.requests).toBe(before);
    for (let times = 0; times < 20; times += 1) {
      expect((await new Client(service, tokenOf(clerkIds.user)).generate()).status).toBe(403);
    }
    expect(d1.requests - before).toBeLessThanOrEqual(6);
    expect(service.output()).not.toContain(token);
  } finally {
    await d1.close();
  }
});

// A tmpfs in a mount namespace: the other systems have no such thing.
(process.platform === 'linux' ? it : it.skip)('goes on after a full disk', async () => {
  const service = await serve(env, onTmpfs(join(base, 'state'), 'size=1m'));
  const admin = new Client(service, people.roleAdmin);
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  addWorks(15_000);
  expect(await admin.make()).toMatchObject({ state: 'failed', error: { code: 'DISK_FULL' } });
  expect((await admin.latestPublic()).metadata['total_artworks']).toBe(3);
  sqlite(env['SOURCE_DATABASE_FILE'] ?? '', `DELETE FROM artwork WHERE id LIKE 'b%'`, 'VACUUM');
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
});

it('publishes without the web service, for a schedule', () => {
  const { PATH = '' } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'dist', 'admin', 'publish.js')],
    {
      cwd: base,
      env: { PATH, ...env },
      encoding: 'utf8',
    },
  );
  const dump = JSON.parse(stdout) as Dump;
  expect(status).toBe(dump.complete ? 0 : 3);
  expect(listing(join(base, 'public'))).toContain(`public-data-dumps/${dump.id}/${dump.filename}`);
});

it('serves 100 admins and 1,000 downloads while a dump is made', async () => {
  const colours = { width: 80, height: 60, channels: 3, background: '#8a5a44' } as const;
  const held = new PhotoServer(await sharp({ create: colours }).jpeg().toBuffer());
  try {
    await serveTheCrowd(held);
  } finally {
    held.close();
  }
});

/** The dump waits for a photo until everybody has been answered. */
async function serveTheCrowd(held: PhotoServer): Promise<void> {
  const service = await serve({
    ...env,
    SOURCE_PHOTOS_DIR: '',
    SOURCE_PHOTOS_URL: await held.url(),
  });
  const admin = new Client(service, people.roleAdmin);
  await admin.make();
  const [dump] = (await admin.dumps()).dumps as [Dump];
  const url = dump.download_url.replace('http://localhost:0', service.url);
  addWorks(15_000);
  sqlite(
    env['SOURCE_DATABASE_FILE'] ?? '',
    `UPDATE artwork SET photos = '["originals/slow/1.jpg"]' WHERE id LIKE 'b%1'`,
  );
  held.hold();
  const { job_id } = (await admin.generate({ allow_shrink: true })).data;

  const list = async (token: string): Promise<number> =>
    (await new Client(service, token).ask('GET', 'data-dumps')).status;
  const download = async (n: number): Promise<number> => {
    const start = n % (dump.size - 100);
    const response = await fetch(url, { headers: { range: `bytes=${start}-${start + 99}` } });
    expect((await response.arrayBuffer()).byteLength).toBe(100);
    return response.status;
  };
  const statuses: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    statuses.push(
      ...(await Promise.all([
        ...admins.slice(round * 5, round * 5 + 5).map(list),
        ...Array.from({ length: 50 }, (_, n) => download(round * 50 + n)),
      ])),
    );
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(crowd);
  expect(statuses.filter((status) => status === 206)).toHaveLength(1000);
  expect(await admin.job(job_id)).toMatchObject({ state: 'running' });
  held.release();
  expect(await admin.over(job_id)).toMatchObject({ state: 'succeeded' });
}

it('is to be had for the benchmark: its environment, and its requests', async () => {
  const secret = 'a secret that is shared with the benchmark';
  const given = [base, secret, env['SOURCE_DATABASE_FILE']].map((one) => JSON.stringify(one));
  const script = `return environmentOf(${given.join(', ')});`;
  const asked = evaluate('environmentOf', 'bench/beside.js', script) as Record<string, string>;
  const { url } = await serve(asked);
  const waits = evaluate(
    'Client',
    'bench/beside.js',
    `const client = new Client(${JSON.stringify(url)}, ${JSON.stringify(secret)});
     await client.dump();
     return client.watch(Promise.resolve());`,
  );
  expect(waits).toEqual([expect.any(Number)]);
  expect(listing(join(base, 'dumps')).filter((name) => name.endsWith('.zip'))).toHaveLength(1);
});
