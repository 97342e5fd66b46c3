/** Where settings come from, and which of them wins: configuration, .env, the environment, flags. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { database, folder, removeFolders, run } from './support';
import { asked, first, project, refused, token, toml } from './support/projects';

afterEach(removeFolders);

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
  const top = '[[d1_databases]]\nbinding = "DB"\ndatabase_id = "id-of-none"\n';
  writeFileSync(join(cwd, 'wrangler.toml'), toml.replace('[env', `${top}[env`));
  expect(await first(cwd, [...args, '--env', ''], env)).toContain('id-of-none');
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
  const quiet = [...args, '--database-file', database(cwd), '--quiet'];
  for (const [command, output] of [
    ['backup', 'kept'],
    ['data-dump', 'published'],
  ] as const) {
    const { code, stdout, stderr } = await run([command, ...quiet], { cwd: deep });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(dirname(stdout.trimEnd())).toBe(join(deep, output));
  }
});

it('name the keys of a restore in the .env beside the configuration', async () => {
  const keys = 'R2_ACCESS_KEY_ID=key\nR2_SECRET_ACCESS_KEY=secret\n';
  const cwd = project({
    'package.json': '{ "workspaces": ["src/workers"] }',
    'src/workers/wrangler.toml': '',
    'src/workers/.env': keys,
  });
  const bucket = ['--s3-bucket', 'photos', '--s3-endpoint', 'http://127.0.0.1:9'];
  const { stderr } = await run(['restore', 'no-such.zip', ...bucket], { cwd });
  expect(stderr).toMatch(/no-such\.zip[^]*code: ARCHIVE_CORRUPT/);
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
  expect(await asked(cwd, ['--env', 'production'], env)).toMatch(/^\/accounts\/account-of-file\//);
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
  expect(photos).toMatch(/CLOUDFLARE_API_TOKEN.*R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY/);
  expect(photos).toMatch(/bucket_name of r2_buckets in wrangler\.toml, R2_BUCKET_NAME, --bucket/);
  expect(photos).toMatch(/account_id in wrangler\.toml, CLOUDFLARE_ACCOUNT_ID, --account-id/);
});
