/** The command line as a process: exit codes, streams, layers of configuration, signals. */

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  database,
  finish,
  folder,
  largeDatabase,
  listing,
  objects,
  removeFolders,
  root,
  run,
  start,
} from './support';
import { evaluate } from './support/evaluate';
import { token } from './support/projects';
import { sqlite } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';
const archive = 'backup-2026-01-02-030405.zip';

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
    const command = [process.execPath, join(root, 'dist', 'cli', 'main.js')];
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
    const file = rows ? [] : ['--database-file', await database(cwd)];
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

describe('a backup that fails', () => {
  it('ends with 1, says why and takes away the folder it made', async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await run(['backup', '--database-file', 'no-such.sqlite'], {
      cwd,
    });
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('no-such.sqlite');
    expect(lines.at(-1)).toMatch(/^Failed: .*no-such\.sqlite/);
    expect(stderr).toMatch(/^error: there is no database at .*no-such\.sqlite/);
    expect(stderr).toContain('code: DATABASE_NOT_FOUND');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(listing(cwd)).toEqual([]);
  });

  it('refuses to replace an archive, unless forced', async () => {
    const cwd = folder();
    const args = ['backup', '--database-file', await database(cwd), '--now', now, '--quiet'];
    expect(await run(args, { cwd })).toMatchObject({ code: 0 });
    const again = await run(args, { cwd });
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('code: ARCHIVE_EXISTS');
    expect(await run([...args, '--force'], { cwd })).toMatchObject({ code: 0 });
  });
});

describe('a backup that is made', () => {
  it('ends with 0 and names the database first and last', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const { code, stdout, stderr } = await run(['backup', '--database-file', file, '--now', now], {
      cwd,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain(file);
    expect(lines.at(-1)).toMatch(/^Complete: /);
    expect(lines.at(-1)).toContain(file);
    expect(stdout).toContain('loaded back: 1 table, 3 rows, identical');
    expect(listing(join(cwd, 'backups'))).toEqual(['.gitignore', archive]);
    expect(readFileSync(join(cwd, 'backups', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('writes JSON and nothing else on stdout with --json', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const result = await run(['backup', '--database-file', file, '--now', now, '--json'], { cwd });
    expect(result.code).toBe(0);
    expect(result.stderr).toContain(file);
    const told = objects(result);
    expect(told.at(-1)).toMatchObject({ type: 'summary', filename: archive, complete: true });
    expect(new Set(told.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['progress']));
  });

  it('writes the path and nothing else with --quiet', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const result = await run(['backup', '--database-file', file, '--now', now, '--quiet'], { cwd });
    expect(result.stderr).toBe('');
    expect(result.stdout.endsWith(`${archive}\n`)).toBe(true);
    expect(existsSync(result.stdout.trimEnd())).toBe(true);
  });

  it('survives a reader that goes away', async () => {
    const cwd = folder();
    const file = await largeDatabase(cwd);
    const child = start(['backup', '--database-file', file, '--now', now, '--json'], { cwd });
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await finish(child);
    expect(stderr).not.toMatch(/EPIPE|^\s+at /m);
    expect(code).toBe(0);
    expect(listing(join(cwd, 'backups'))).toContain(archive);
  });

  (process.platform === 'linux' ? it : it.skip)('survives a log on a full disk', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const command = [process.execPath, join(root, 'dist', 'cli', 'main.js')];
    const args = ['backup', '--database-file', file, '--now', now, '--json'];
    const script = 'exec "$@" > /dev/full 2>&1';
    const { status: code } = spawnSync('sh', ['-c', script, 'sh', ...command, ...args], { cwd });
    expect({ code, made: listing(join(cwd, 'backups')) }).toEqual({
      code: 0,
      made: ['.gitignore', archive],
    });
  });
});

describe('the output folder', () => {
  it('that cannot be made leaves none of those above it', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const before = listing(cwd);
    const outputDir = join('new', 'too-long-'.repeat(30));
    const args = ['backup', '--database-file', file, '--output-dir', outputDir];
    const { code } = await run(args, { cwd });
    expect({ code, left: listing(cwd) }).toEqual({ code: 1, left: before });
  });

  it('that another run has put an archive into keeps what keeps that out of git', () => {
    const outputDir = join(folder(), 'backups');
    evaluate(
      'makeFolder',
      'cli/output.js',
      `const { writeFile } = await import('node:fs/promises');
       const made = await makeFolder(${JSON.stringify(outputDir)});
       await writeFile(${JSON.stringify(join(outputDir, archive))}, '');
       await made.undo().catch(() => undefined);
       return null;`,
    );
    expect(listing(outputDir)).toEqual(['.gitignore', archive]);
  });

  it('comes from .env, over that the environment, over that the flag', async () => {
    const cwd = folder();
    const args = ['backup', '--database-file', await database(cwd), '--now', now, '--quiet'];
    const env = { BACKUP_OUTPUT_DIR: 'from-environment' };
    writeFileSync(join(cwd, '.env'), '# where backups go\nBACKUP_OUTPUT_DIR="from-dotenv"\n');
    const folderOf = (stdout: string): string => stdout.trimEnd().split(/[\\/]/).at(-2) ?? '';
    expect(folderOf((await run(args, { cwd })).stdout)).toBe('from-dotenv');
    expect(folderOf((await run(args, { cwd, env })).stdout)).toBe('from-environment');
    const flag = [...args, '--output-dir', 'from-flag'];
    expect(folderOf((await run(flag, { cwd, env })).stdout)).toBe('from-flag');
    rmSync(join(cwd, '.env'));
    expect(folderOf((await run(args, { cwd })).stdout)).toBe('backups');
  });

  it('is left as it is when it was there', async () => {
    const cwd = folder();
    mkdirSync(join(cwd, 'backups'));
    await run(['backup', '--database-file', await database(cwd), '--now', now], { cwd });
    expect(listing(join(cwd, 'backups'))).toEqual([archive]);
  });
});

describe('a signal', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends the job with 130 and leaves nothing, also when npm hands on the same one',
    async (signal) => {
      const cwd = folder();
      const file = await largeDatabase(cwd);
      const before = listing(cwd);
      // By its clock the second one comes at once, however long it takes.
      const env = { NODE_OPTIONS: '--import "data:text/javascript,performance.now = () => 0"' };
      const child = start(['backup', '--database-file', file, '--json'], { cwd, env });
      child.stdout.once('data', () => child.kill(signal));
      child.stderr.on('data', (text: string) => {
        if (text.includes('stopping')) child.kill(signal);
      });
      const result = await finish(child);
      expect(result.code).toBe(130);
      expect(objects(result).at(-1)).toMatchObject({ type: 'error', code: 'ABORT_ERR' });
      expect(listing(cwd)).toEqual(before);
    },
  );

  it('that comes again later ends the process at once', () => {
    const told = evaluate(
      'onSignals',
      'admin/signals.js',
      `let now = 5000;
       performance.now = () => now;
       const told = [];
       process.exit = (code) => told.push(code);
       onSignals(() => told.push('stop'));
       for (const at of [5000, 5008, 5900, 6100]) {
         now = at;
         process.emit('SIGINT');
         told.push(at);
       }
       return told;`,
    );
    expect(told).toEqual(['stop', 5000, 5008, 5900, 130, 6100]);
  });
});

describe('a data dump', () => {
  it('is made with the same manners', async () => {
    const cwd = folder();
    const args = ['data-dump', '--database-file', await database(cwd), '--now', now];
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^Data dump of the database file/);
    expect(lines.at(-1)).toMatch(/^Complete: data dump of the database file/);
    expect(stdout).toContain('3 artworks');
    const name = 'datadump-2026-01-02.zip';
    expect(listing(join(cwd, 'data-dumps'))).toEqual(['.gitignore', name]);
    const again = await run([...args, '--json'], { cwd });
    expect(again.code).toBe(1);
    expect(objects(again)).toEqual([
      expect.objectContaining({ type: 'error', code: 'ARCHIVE_EXISTS' }),
    ]);
    const env = { DUMP_OUTPUT_DIR: 'public' };
    const quiet = await run([...args, '--quiet', '--force'], { cwd, env });
    expect(quiet.stdout).toBe(`${join(cwd, 'public', name)}\n`);
  });

  it('that fails ends with 1 and takes away the folder it made', async () => {
    const cwd = folder();
    const file = await database(cwd);
    sqlite(file, "UPDATE artwork SET status = 'rejected'");
    const before = listing(cwd);
    const { code, stderr } = await run(['data-dump', '--database-file', file], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('code: DUMP_SHRUNK');
    expect(listing(cwd)).toEqual(before);
  });
});
