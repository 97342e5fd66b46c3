/** Which database a command line means: wrangler's configuration, .env, the environment, flags; never a guess. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { database, folder, listing, objects, removeFolders, root, run } from './support';

afterEach(removeFolders);

const toml = `
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
function project(files: Readonly<Record<string, string>>): string {
  const root = folder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const state = '.wrangler/state/v3/d1/miniflare-D1DatabaseObject/metadata.sqlite';
const token = { CLOUDFLARE_API_TOKEN: 'token-that-nobody-may-see' };

/** The first line: what the command says it backs up. */
async function first(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(['backup', '--no-photos', ...args], { cwd, env });
  expect(`${stdout}${stderr}`).not.toContain(token.CLOUDFLARE_API_TOKEN);
  return stdout.split('\n')[0] ?? '';
}

async function refused(
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
async function asked(
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

describe('local and remote', () => {
  it('are never guessed when both are possible', async () => {
    const cwd = project({ 'wrangler.toml': toml, [state]: '' });
    const stderr = await refused(cwd, ['--env', 'production'], token);
    expect(stderr).toMatch(/LOCAL.*REMOTE.*--local or --remote/);
  });

  it('are told by the first and the last line', async () => {
    const cwd = project({ 'wrangler.toml': toml, [state]: '' });
    const args = ['backup', '--local', '--env', 'development', '--no-photos'];
    const { stdout, code } = await run(args, { cwd });
    const name = 'LOCAL (development) database development-art (id-of-preview)';
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(`Backup of the ${name}`);
    expect(lines.at(-1)).toBe(`Failed: no backup of the ${name} was made`);
    expect(code).toBe(1);
  });

  it('local is taken without a flag when remote is impossible', async () => {
    const cwd = project({ 'wrangler.toml': toml, [state]: '' });
    expect(await first(cwd, ['--env', 'development'])).toContain('LOCAL');
  });

  it('remote names the database, and goes nowhere else', async () => {
    const cwd = project({ 'wrangler.toml': toml });
    const env = {
      ...token,
      CLOUDFLARE_ACCOUNT_ID: 'an-account',
      // Nothing answers there.
      CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9/client/v4',
    };
    const told = await first(cwd, ['--remote', '--env', 'production'], env);
    expect(told).toMatch(/^Backup of the REMOTE database .*id-of-production/);
  }, 60_000);

  it('exclude each other', async () => {
    expect(await refused(folder(), ['--local', '--remote'])).toMatch(/cannot be used with/);
  });

  it('are refused when npm has swallowed the flag', async () => {
    const env = { npm_lifecycle_event: 'backup', npm_config_remote: 'true' };
    expect(await refused(folder(), ['x'], env)).toContain('npm run backup -- --remote');
  });
});

describe('the configuration of wrangler', () => {
  it('lists its environments when none is chosen, and when an unknown one is', async () => {
    const cwd = project({ 'wrangler.toml': toml, [state]: '' });
    expect(await refused(cwd, ['--local'])).toMatch(/development, production.*--env/);
    expect(await refused(cwd, ['--local', '--env', 'staging'])).toMatch(
      /no environment staging; it has development, production/,
    );
  });

  it('is found from the folder upwards, JSON before TOML, with comments', async () => {
    const cwd = project({
      'wrangler.json': `{ // the database
        "d1_databases": [{ "binding": "DB", "database_id": "id-of-json", }], }`,
      'deep/wrangler.toml': toml,
      'deep/er/.keep': '',
      [state]: '',
    });
    expect(await first(join(cwd, 'deep', 'er'), ['--local'])).toContain('id-of-json');
  });

  it.each(['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'])(
    'may begin with a byte order mark: %s',
    async (name) => {
      const text = name.endsWith('toml')
        ? '[[d1_databases]]\nbinding = "DB"\ndatabase_id = "id-of-file"\n'
        : '{ "d1_databases": [{ "binding": "DB", "database_id": "id-of-file" }] }';
      const cwd = project({ [name]: `\uFEFF${text}` });
      expect(await first(cwd, ['--local'])).toContain('id-of-file');
    },
  );

  it('is found one workspace down, with the state beside it', async () => {
    const cwd = project({
      'package.json': '{ "workspaces": ["src/frontend", "src/workers"] }',
      'src/frontend/package.json': '{}',
      'src/workers/wrangler.toml': toml,
      [`src/workers/${state}`]: '',
    });
    expect(await first(cwd, ['--env', 'development'])).toContain('development-art');
  });

  it('at the root finds state that a workspace keeps', async () => {
    const cwd = project({
      'package.json': '{ "workspaces": { "packages": ["src/*"] } }',
      'wrangler.toml': toml,
      [`src/workers/${state}`]: '',
    });
    const { stderr } = await run(['backup', '--local', '--env', 'development', '--no-photos'], {
      cwd,
    });
    expect(stderr).toMatch(/src.workers..wrangler.state.v3/);
    expect(stderr).toContain('code: DATABASE_NOT_FOUND');
  });

  it('asks which, where several workspaces have one or keep state', async () => {
    const cwd = project({
      'package.json': '{ "workspaces": ["one", "two"] }',
      'one/wrangler.toml': toml,
      'two/wrangler.jsonc': '{}',
    });
    expect(await refused(cwd, ['--local'])).toMatch(
      /one.wrangler.toml.*two.wrangler.jsonc.*--config/,
    );
    const states = project({
      'package.json': '{ "workspaces": ["one", "two"] }',
      'wrangler.toml': toml,
      [`one/${state}`]: '',
      [`two/${state}`]: '',
    });
    expect(await refused(states, ['--local', '--env', 'development'])).toContain('--state-dir');
  });

  it('asks which of several databases, unless one has the name that the platform uses', async () => {
    const two = (binding: string): string => `[[d1_databases]]\nbinding = "A"\ndatabase_id = "id-a"
      \n[[d1_databases]]\nbinding = "${binding}"\ndatabase_id = "id-b"\n`;
    const cwd = project({ 'wrangler.toml': two('B'), [state]: '' });
    expect(await refused(cwd, ['--local', '--no-photos'])).toMatch(/id-a.*id-b.*--database-id/);
    writeFileSync(join(cwd, 'wrangler.toml'), two('DB'));
    expect(await first(cwd, ['--local'])).toContain('id-b');
  });

  it('that cannot be read says where, and nothing of what stands there', async () => {
    const secret = 'api_token = "secret-of-the-file';
    const cwd = project({ 'wrangler.toml': `x = 1\n${secret}\n`, [state]: '' });
    const stderr = await refused(cwd, ['--local']);
    expect(stderr).toMatch(/wrangler\.toml cannot be read at line 2/);
    expect(stderr).not.toContain('secret-of-the-file');
  });
});

describe('the layers', () => {
  const args = ['--local', '--no-photos'];

  it('win in their order: configuration, .env, environment, flag', async () => {
    const cwd = project({
      'wrangler.toml': '[[d1_databases]]\nbinding = "DB"\ndatabase_id = "of-file"\n',
    });
    expect(await first(cwd, args)).toContain('of-file');
    writeFileSync(join(cwd, '.env'), 'D1_DATABASE_ID=of-dotenv\n');
    expect(await first(cwd, args)).toContain('of-dotenv');
    const env = { D1_DATABASE_ID: 'of-environment' };
    expect(await first(cwd, args, env)).toContain('of-environment');
    expect(await first(cwd, [...args, '--database-id', 'of-flag'], env)).toContain('of-flag');
  });

  it('let an environment that was chosen by flag beat ids from below', async () => {
    const cwd = project({ 'wrangler.toml': toml, '.env': 'D1_DATABASE_ID=of-dotenv\n' });
    expect(await first(cwd, [...args, '--env', 'production'])).toContain('id-of-production');
  });

  it('choose the environment in their order: .env, environment, flag', async () => {
    const staging = '[[env.staging.d1_databases]]\nbinding = "DB"\ndatabase_id = "id-of-staging"\n';
    const cwd = project({
      'wrangler.toml': toml + staging,
      '.env': 'CLOUDFLARE_ENV=production\n',
    });
    expect(await first(cwd, args)).toContain('id-of-production');
    const env = { CLOUDFLARE_ENV: 'staging' };
    expect(await first(cwd, args, env)).toContain('id-of-staging');
    const flag = ['--env', 'development'];
    expect(await first(cwd, [...args, ...flag], env)).toContain('development-art');
  });

  it('choose the environment by the .env beside the configuration too', async () => {
    const cwd = project({
      'wrangler.toml': toml,
      '.env': 'CLOUDFLARE_ENV=production\n',
      'deep/.keep': '',
    });
    expect(await first(join(cwd, 'deep'), args)).toContain('id-of-production');
  });

  it('name the output folder in the .env beside the configuration', async () => {
    const cwd = project({
      'wrangler.toml': toml,
      '.env': 'BACKUP_OUTPUT_DIR=kept\nDUMP_OUTPUT_DIR=published\n',
      'deep/.keep': '',
    });
    const deep = join(cwd, 'deep');
    const quiet = [...args, '--database-file', await database(cwd), '--quiet'];
    for (const [command, output] of [
      ['backup', 'kept'],
      ['data-dump', 'published'],
    ] as const) {
      const { code, stdout, stderr } = await run([command, ...quiet], { cwd: deep });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(dirname(stdout.trimEnd())).toBe(join(deep, output));
    }
  });

  it('say where an environment comes from that there is not', async () => {
    const cwd = project({ 'wrangler.toml': '', '.env': 'CLOUDFLARE_ENV=staging\n' });
    expect(await refused(cwd, args)).toMatch(
      /no environment staging; it has none: leave --env and CLOUDFLARE_ENV out/,
    );
  });

  it('let an environment that was chosen by flag beat the account from below', async () => {
    const own = '[env.staging]\naccount_id = "account-of-staging"\n';
    const bound = '[[env.staging.d1_databases]]\nbinding = "DB"\ndatabase_id = "id-of-staging"\n';
    const cwd = project({ 'wrangler.toml': toml + own + bound });
    const env = { CLOUDFLARE_ACCOUNT_ID: 'account-of-environment' };
    const flag = ['--env', 'staging'];
    expect(await asked(cwd, flag, env)).toMatch(/^\/accounts\/account-of-staging\//);
    expect(await asked(cwd, ['--env', 'production'], env)).toMatch(
      /^\/accounts\/account-of-file\//,
    );
    expect(await asked(cwd, [], { ...env, CLOUDFLARE_ENV: 'staging' })).toMatch(
      /^\/accounts\/account-of-environment\//,
    );
    expect(await asked(cwd, [...flag, '--account-id', 'account-of-flag'], env)).toMatch(
      /^\/accounts\/account-of-flag\//,
    );
    writeFileSync(join(cwd, 'wrangler.toml'), bound);
    expect(await asked(cwd, flag, env)).toMatch(/^\/accounts\/account-of-environment\//);
  });

  it('name the very database that is read', async () => {
    const cwd = project({ 'wrangler.toml': toml });
    const env = { CLOUDFLARE_ENV: 'development', CLOUDFLARE_ACCOUNT_ID: 'an-account' };
    for (const id of ['id-of-preview', 'id-of-development', 'id-of-nothing']) {
      const path = `/accounts/an-account/d1/database/${id}/`;
      expect(await asked(cwd, [], { ...env, D1_DATABASE_ID: id })).toContain(path);
      expect(await asked(cwd, ['--database-id', id], env)).toContain(path);
    }
    const preview = { ...env, D1_DATABASE_ID: 'id-of-preview' };
    expect(await first(cwd, args, preview)).toContain('database id-of-preview');
  });

  it('find the local copy of a database that a variable names, where wrangler dev keeps it', async () => {
    const cwd = project({ 'wrangler.toml': toml });
    const env = { CLOUDFLARE_ENV: 'development', D1_DATABASE_ID: 'id-of-development' };
    expect(await first(cwd, args, env)).toContain('id-of-preview');
    for (const id of ['id-of-preview', 'id-of-development']) {
      expect(await first(cwd, [...args, '--database-id', id], env)).toContain(id);
    }
  });

  it('name no variable that --env makes count for nothing', async () => {
    const cwd = project({ 'wrangler.toml': `${toml}[env.bare]\n` });
    const ids = { D1_DATABASE_ID: 'id-of-environment', R2_BUCKET_NAME: 'bucket-of-environment' };
    const env = { ...token, ...ids };
    for (const mode of ['--local', '--remote']) {
      const rows = await refused(cwd, [mode, '--no-photos', '--env', 'bare'], env);
      expect(rows).toMatch(/d1_databases in wrangler\.toml, --database-id\)/);
      const sql = ['--database-sql', 'rows.sql'];
      const photos = await refused(cwd, [mode, ...sql, '--env', 'bare'], env);
      expect(photos).toMatch(/r2_buckets in wrangler\.toml, --bucket,/);
    }
  });

  it('name every missing setting with the places it can come from', async () => {
    const rows = await refused(folder(), ['--local']);
    expect(rows).toMatch(/d1_databases in wrangler\.toml, D1_DATABASE_ID, --database-id/);
    const remote = await refused(folder(), ['--remote', '--no-photos']);
    expect(remote).toMatch(/database_id of d1_databases in wrangler\.toml, D1_DATABASE_ID/);
    expect(remote).toMatch(/CLOUDFLARE_API_TOKEN, with the permission D1: Read/);
    const photos = await refused(folder(), ['--remote', '--database-sql', 'rows.sql']);
    expect(photos).toMatch(/R2_ACCESS_KEY_ID.*R2_SECRET_ACCESS_KEY/);
    expect(photos).toMatch(/bucket_name of r2_buckets in wrangler\.toml, R2_BUCKET_NAME, --bucket/);
    expect(photos).toMatch(/account_id in wrangler\.toml, CLOUDFLARE_ACCOUNT_ID, --account-id/);
  });
});

describe('a dry run', () => {
  it('says what is there and makes nothing', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const args = ['backup', '--database-file', file, '--dry-run'];
    const before = listing(cwd);
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Dry run: backup of the database file/);
    expect(stdout).toContain('1 table, 3 rows');
    expect(stdout).toContain(`(source: ${file})`);
    const told = objects(await run([...args, '--json'], { cwd }));
    expect(told).toEqual([
      expect.objectContaining({ type: 'summary', dryRun: true, tables: 1, rows: 3, photos: null }),
    ]);
    expect(listing(cwd)).toEqual(before);
  });

  it('counts photos, and those that an earlier backup has', async () => {
    const cwd = project({ 'photos/originals/a.jpg': 'first', 'photos/originals/b.jpg': 'second' });
    const file = await database(cwd);
    const args = [
      'backup',
      '--database-file',
      file,
      '--photos-dir',
      'photos',
      '--photo-scope',
      'all',
    ];
    const made = await run([...args, '--quiet'], { cwd });
    writeFileSync(join(cwd, 'photos/originals/b.jpg'), 'another');
    const [told] = objects(
      await run([...args, '--dry-run', '--json', '--reuse-from', made.stdout.trimEnd()], { cwd }),
    );
    expect(told?.['photos']).toMatchObject({
      source: 'directory',
      originals: 2,
      bytes: 12,
      reusable: 1,
      reusableBytes: 5,
    });
  });
});

describe('the photos of the admin service', () => {
  /** Where the service would read them, or why it does not start. */
  function photos(env: Readonly<Record<string, string>>): unknown {
    const module = pathToFileURL(join(root, 'dist', 'admin', 'environment.js')).href;
    const script = `import { readEnvironment } from ${JSON.stringify(module)};
      try {
        const { admin } = readEnvironment(process.env);
        process.stdout.write(JSON.stringify(admin.photos ?? null));
      } catch ({ name, message }) {
        process.stdout.write(JSON.stringify(name + ': ' + message));
      }`;
    const own = { SOURCE_DATABASE_FILE: 'archive.sqlite', DUMPS_DIR: 'public' };
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder(),
      env: { ...own, ...env },
      encoding: 'utf8',
    });
    return JSON.parse(stdout);
  }

  const bucket = { R2_BUCKET_NAME: 'photos' };
  const account = { CLOUDFLARE_ACCOUNT_ID: 'an-account' };
  const keys = { R2_ACCESS_KEY_ID: 'a-key', R2_SECRET_ACCESS_KEY: 'secret-that-nobody-may-see' };
  const bySecret = {
    s3: {
      endpoint: 'https://an-account.r2.cloudflarestorage.com',
      bucket: 'photos',
      accessKeyId: 'a-key',
      secretAccessKey: 'secret-that-nobody-may-see',
    },
  };

  it('are in R2 by the keys, without them by the token', () => {
    expect(photos({ ...bucket, ...account, ...keys })).toEqual(bySecret);
    expect(photos({ ...bucket, ...account, ...keys, ...token })).toEqual(bySecret);
    expect(photos({ ...bucket, ...account, ...token })).toEqual({
      r2: { accountId: 'an-account', apiToken: token.CLOUDFLARE_API_TOKEN, bucket: 'photos' },
    });
  });

  it('are left out only where no setting names them', () => {
    expect(photos({})).toBeNull();
    expect(photos({ ...account, ...token })).toBeNull();
  });

  it.each<[Record<string, string>, RegExp]>([
    [bucket, /CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN/],
    [{ ...bucket, ...account }, /CLOUDFLARE_API_TOKEN/],
    [{ ...bucket, ...token }, /CLOUDFLARE_ACCOUNT_ID/],
    [{ ...bucket, ...keys }, /CLOUDFLARE_ACCOUNT_ID/],
    [{ ...account, ...keys }, /R2_BUCKET_NAME/],
    [{ ...bucket, ...account, R2_ACCESS_KEY_ID: 'a-key' }, /R2_SECRET_ACCESS_KEY/],
    [
      { ...bucket, ...account, ...token, R2_SECRET_ACCESS_KEY: keys.R2_SECRET_ACCESS_KEY },
      /R2_ACCESS_KEY_ID/,
    ],
  ])('are refused when only part of them is named: %j', (env, missing) => {
    const said = photos(env);
    expect(said).toMatch(new RegExp(`^ConfigurationError: .*without ${missing.source}: set `));
    expect(said).toContain('in the environment or in .env');
    expect(said).not.toMatch(/nobody-may-see/);
  });
});
