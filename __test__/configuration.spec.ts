/** Which database a command line means, local or remote, by wrangler's configuration; never a guess. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, removeFolders, run } from './support';
import { first, project, refused, state, token, toml } from './support/projects';

afterEach(removeFolders);

describe('local and remote', () => {
  it('are never guessed when both are possible', async () => {
    const cwd = project({ 'wrangler.toml': toml, [state]: '' });
    const stderr = await refused(cwd, ['--env', 'production'], token);
    expect(stderr).toMatch(/LOCAL.*REMOTE.*--local or --remote/);
    const env = { ...token, npm_lifecycle_event: 'backup' };
    expect(await refused(cwd, ['--env', 'production'], env)).toMatch(
      /LOCAL.*REMOTE.*`npm run backup -- --local` or `npm run backup -- --remote`/,
    );
  });

  it('remote is said under npm, which leaves no trace of a --local that it took', async () => {
    const env = { ...token, npm_lifecycle_event: 'data-dump' };
    expect(await refused(folder(), [], env)).toMatch(
      /REMOTE.*has to be said.*`npm run data-dump -- --local` or `npm run data-dump -- --remote`/,
    );
    // npx hands on what stands behind the command.
    const npx = { ...token, npm_lifecycle_event: 'npx' };
    expect(await refused(folder(), [], npx)).toContain('--remote is missing the database');
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
      // As Windows' editors begin a file.
      'package.json': '\uFEFF{ "workspaces": ["src/frontend", "src/workers"] }',
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
