/** Command lines that cannot be carried out, and what a command says of itself. */

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cli, database, folder, listing, objects, removeFolders, root, run } from './support';
import { evaluate } from './support/evaluate';
import { token } from './support/projects';

afterEach(removeFolders);

describe('a command line that cannot be carried out', () => {
  const cases: [title: string, args: string[], message: RegExp][] = [
    ['no command', [], /no command was given/],
    ['an unknown command', ['bakup'], /unknown command 'bakup'.*backup/],
    ['an unknown flag', ['backup', '--databse-file', 'x'], /unknown option '--databse-file'/],
    ['no database', ['backup'], /--database-file FILE or --database-sql FILE/],
    [
      'two databases',
      ['backup', '--database-file', 'x', '--database-sql', 'y'],
      /cannot be used with/,
    ],
    [
      'photos that are not wanted',
      ['backup', '--database-file', 'x', '--photos-dir', 'y', '--no-photos'],
      /--no-photos.*cannot be used with.*--photos-dir/,
    ],
    [
      'a web address of photos that are not wanted',
      ['data-dump', '--database-file', 'x', '--no-photos', '--public-url', 'https://example.org'],
      /--no-photos.*cannot be used with.*--public-url/,
    ],
    [
      'a folder of photos and an S3 server',
      [
        'backup',
        '--database-file',
        'x',
        '--photos-dir',
        'y',
        '--s3-endpoint',
        'https://s3.example',
      ],
      /--photos-dir.*cannot be used with.*--s3-endpoint/,
    ],
    [
      'a web address of photos and an S3 server',
      ['data-dump', '--public-url', 'https://example.org', '--s3-endpoint', 'https://s3.example'],
      /--public-url.*cannot be used with.*--s3-endpoint/,
    ],
    ...['--config', '--env', '--bucket', '--s3-region', '--state-dir', '--account-id'].map(
      (flag): [string, string[], RegExp] => [
        `${flag} beside a plain file`,
        ['backup', '--database-file', 'x', flag, 'y'],
        new RegExp(`${flag} says nothing of a plain file: add --local or --remote`),
      ],
    ),
    [
      'an archive behind a flag that takes it',
      ['restore', '--database', 'x', '--tables', 'artwork', 'backup.zip'],
      /missing required argument 'archive': name it before the flags/,
    ],
    ['no number', ['backup', '--database-file', 'x', '--concurrency', 'many'], /It takes a number/],
    [
      'a number out of range',
      ['backup', '--database-file', 'x', '--concurrency', '99'],
      /from 1 to 64/,
    ],
    [
      'an unknown word',
      ['backup', '--database-file', 'x', '--photo-scope', 'some'],
      /approved, all/,
    ],
    [
      'a flag where a variable was empty',
      ['backup', '--database-file', 'x', '--output-dir', '--dry-run'],
      /--output-dir takes a value, and --dry-run is a flag/,
    ],
    [
      'flags where names of tables belong',
      ['restore', 'x.zip', '--database', 'y', '--tables', '--dry-run'],
      /--tables takes a value, and --dry-run is a flag/,
    ],
    // As Node reads a name in Latin-1.
    ['a name that is not UTF-8', ['verify', 'caf\uFFFD.zip'], /caf\uFFFD\.zip is not UTF-8/],
  ];

  it.each(cases)('ends with 2: %s', async (_, args, message) => {
    const cwd = folder();
    const { code, stderr } = await run(args, { cwd });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
    expect(listing(cwd)).toEqual([]);
  });

  // Windows lets nobody delete the folder that a process works in.
  (process.platform === 'win32' ? it.skip : it)('ends with 2 where its folder is gone', () => {
    const cwd = folder();
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    const command = [process.execPath, cli];
    const args = ['-c', script, 'sh', ...command, 'backup', '--database-file', 'x'];
    const { status, stderr } = spawnSync('sh', args, { cwd, encoding: 'utf8' });
    expect(stderr).toMatch(/folder .* is gone.*cd/);
    expect(stderr).toContain('code: INVALID_OPTIONS');
    expect(status).toBe(2);
  });

  it('ends with 2 where .env is of UTF-16, as PowerShell writes it', async () => {
    const cwd = folder();
    writeFileSync(join(cwd, '.env'), '\uFEFFCLOUDFLARE_API_TOKEN=secret\n', 'utf16le');
    const args = ['backup', '--remote', '--database-id', 'x', '--account-id', 'y', '--no-photos'];
    const { code, stderr } = await run(args, { cwd });
    expect(stderr).toMatch(/\.env is UTF-16.*save it as UTF-8/);
    expect(stderr).not.toContain('secret');
    expect(code).toBe(2);
  });

  it('is none where .env is a folder, as one of Python may be', async () => {
    const cwd = folder();
    mkdirSync(join(cwd, '.env'));
    const { code, stderr } = await run(['backup', '--database-file', database(cwd)], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it.each<[string[], Record<string, string>, RegExp]>([
    [['backup', '--concurrency', '99'], {}, /--concurrency is 99; it takes/],
    [['backup', '--photos-dir', ''], {}, /--photos-dir is empty/],
    [['backup', '--photos-dir', 'nowhere'], {}, /does not exist; check --photos-dir/],
    [
      ['backup', '--reuse-from', 'x.zip'],
      {},
      /--reuse-from is about photos: set photos too, or leave --reuse-from out/,
    ],
    [['data-dump', '--source-url', 'example'], {}, /--source-url is no URL of a site/],
    [
      ['backup', '--s3-endpoint', 'example', '--bucket', 'b'],
      { R2_ACCESS_KEY_ID: 'key', R2_SECRET_ACCESS_KEY: 'secret' },
      /--s3-endpoint is no URL/,
    ],
    [
      ['backup', '--s3-endpoint', 'http://[::1]:9', '--bucket', 'b'],
      { R2_ACCESS_KEY_ID: 'a key', R2_SECRET_ACCESS_KEY: 'secret' },
      /R2_ACCESS_KEY_ID holds a space/,
    ],
    [
      ['backup', '--local', '--no-photos', '--database-id', 'x', '--state-dir', ''],
      {},
      /--state-dir is empty; it takes a path/,
    ],
    [
      ['restore', 'x.zip', '--state-dir', 'x'],
      {},
      /needs a target: --database, --photos-dir, --database-id, --bucket or --s3-bucket/,
    ],
  ])('names what the user of a command sets: %j', async (args, env, message) => {
    const cwd = folder();
    const rows = args[0] === 'restore' || args.includes('--local');
    const file = rows ? [] : ['--database-file', database(cwd)];
    const { stderr } = await run([...args, ...file], { cwd, env });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/photos\.|database\.(?!sqlite)|s3\./);
  });

  it('names the variable of what is set by a flag or by one', async () => {
    const env = { CLOUDFLARE_API_TOKEN: 'a token', D1_DATABASE_ID: 'a/b' };
    const args = ['backup', '--remote', '--no-photos'];
    const refused = async (more: Record<string, string>): Promise<string> =>
      (await run(args, { cwd: folder(), env: { ...env, ...more } })).stderr;
    expect(await refused({ CLOUDFLARE_ACCOUNT_ID: 'a b' })).toMatch(
      /--account-id \(CLOUDFLARE_ACCOUNT_ID\) is "a b"; it takes an id/,
    );
    expect(await refused({ CLOUDFLARE_ACCOUNT_ID: 'a' })).toMatch(
      /CLOUDFLARE_API_TOKEN holds a sp/,
    );
    expect(await refused({ CLOUDFLARE_ACCOUNT_ID: 'a', CLOUDFLARE_API_TOKEN: 'b' })).toMatch(
      /--database-id \(D1_DATABASE_ID\) is "a\/b"/,
    );
  });

  it('is an object on stdout with --json', async () => {
    const result = await run(['backup', '--json'], { cwd: folder() });
    expect(result.code).toBe(2);
    const [error, ...others] = objects(result);
    expect(error).toMatchObject({ type: 'error', code: 'INVALID_OPTIONS', causes: [] });
    expect(error?.['message']).toContain('--database-file');
    expect(others).toEqual([]);
  });

  it.each([
    ['--database-file', { npm_config_database_file: 'true' }],
    ['--no-drill', { npm_config_drill: '' }],
    ['--json', { npm_config_json: 'true' }],
  ])('is refused when npm has swallowed %s', async (flag, variables) => {
    const env = { npm_lifecycle_event: 'backup', ...variables };
    const { code, stderr } = await run(['backup', 'x'], { cwd: folder(), env });
    expect(code).toBe(2);
    expect(stderr).toContain(`npm run backup -- ${flag}`);
  });

  it.each([
    ['--database-file', /npm run backup -- --database-file/, ['no-such.sqlite']],
    ['--local', /REMOTE.*`npm run backup -- --local`/, []],
  ])('is refused under npm itself: %s', async (flag, message, more) => {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const args = ['run', '--silent', 'backup', flag, ...more];
    const env = { ...process.env, ...token };
    const options = { cwd: root, shell: process.platform === 'win32', env };
    const [code, stderr] = await new Promise<[unknown, string]>((done) => {
      execFile(npm, args, options, (error, _, text) => {
        done([error?.code, text]);
      });
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('help and version', () => {
  it('end with 0', async () => {
    const cwd = folder();
    const help = await run(['backup', '--help'], { cwd });
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--database-file <file>');
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await run(['--version'], { cwd })).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

it('ends a chain of causes that goes round in a circle', () => {
  const causes = evaluate(
    'describe',
    'cli/errors.js',
    `const error = new Error('outer');
     error.cause = new Error('inner', { cause: error });
     return describe(error).causes;`,
  );
  expect(causes).toHaveLength(8);
});
