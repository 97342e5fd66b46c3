/** What a command does: exit codes, streams, the output folder, signals. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import {
  cli,
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
import { archive as ofTheField } from './support/dumps';
import { evaluate } from './support/evaluate';
import { sqlite } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';
const archive = 'backup-2026-01-02-030405.zip';

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
    const args = ['backup', '--database-file', database(cwd), '--now', now, '--quiet'];
    expect(await run(args, { cwd })).toMatchObject({ code: 0 });
    const again = await run(args, { cwd });
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('code: ARCHIVE_EXISTS');
    expect(await run([...args, '--force'], { cwd })).toMatchObject({ code: 0 });
  });
});

describe('what people read', () => {
  it('is rounded before its unit is chosen', () => {
    const script = 'return [1, 999, 1000, 999_949, 999_960, 1e6, 999_999_999].map(size);';
    expect(evaluate('size', 'cli/format.js', script)).toEqual([
      '1 byte',
      '999 bytes',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '1.0 MB',
      '1.0 GB',
    ]);
  });

  it('counts one reference as one', () => {
    const photos = { photos: 3, bytes: 1, source: 'directory', foreign: 1, dangling: 1 };
    const preview = { artworks: 1, creators: 0, photos, warnings: [] };
    const script = `return summariseDumpPreview(${JSON.stringify(preview)}, { database: {} });`;
    const lines = evaluate('summariseDumpPreview', 'cli/summary.js', script);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/1 reference to another host$/),
        expect.stringMatching(/1 reference to a photo that is not in the store$/),
      ]),
    );
  });
});

describe('a backup that is made', () => {
  it('ends with 0 and names the database first and last', async () => {
    const cwd = folder();
    const file = database(cwd);
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
    const file = database(cwd);
    const result = await run(['backup', '--database-file', file, '--now', now, '--json'], { cwd });
    expect(result.code).toBe(0);
    expect(result.stderr).toContain(file);
    const told = objects(result);
    expect(told.at(-1)).toMatchObject({ type: 'summary', filename: archive, complete: true });
    expect(new Set(told.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['progress']));
  });

  it('writes the path and nothing else with --quiet', async () => {
    const cwd = folder();
    const file = database(cwd);
    const result = await run(['backup', '--database-file', file, '--now', now, '--quiet'], { cwd });
    expect(result.stderr).toBe('');
    expect(result.stdout.endsWith(`${archive}\n`)).toBe(true);
    expect(existsSync(result.stdout.trimEnd())).toBe(true);
  });

  it('survives a reader that goes away', async () => {
    const cwd = folder();
    const file = largeDatabase(cwd);
    const child = start(['backup', '--database-file', file, '--now', now, '--json'], { cwd });
    child.stdout.once('data', () => child.stdout.destroy());
    const { code, stderr } = await finish(child);
    expect(stderr).not.toMatch(/EPIPE|^\s+at /m);
    expect(code).toBe(0);
    expect(listing(join(cwd, 'backups'))).toContain(archive);
  });

  it('survives a reader of the demonstration that goes away', async () => {
    const cwd = folder();
    const child = spawn(process.execPath, [join(root, 'dist', 'demo.js')], { cwd });
    child.stdout.destroy();
    const { code, stderr } = await finish(child);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(listing(join(cwd, 'demo'))).toContain('data-dumps');
  });

  (process.platform === 'linux' ? it : it.skip)('survives a log on a full disk', () => {
    const cwd = folder();
    const file = database(cwd);
    const command = [process.execPath, cli];
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
    const file = database(cwd);
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
    const args = ['backup', '--database-file', database(cwd), '--now', now, '--quiet'];
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
    await run(['backup', '--database-file', database(cwd), '--now', now], { cwd });
    expect(listing(join(cwd, 'backups'))).toEqual([archive]);
  });
});

describe('a signal', () => {
  /** A server of photos that keeps a job waiting. */
  const silent = createServer(() => undefined);
  let url: string;

  beforeAll(async () => {
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
  });

  afterAll(() => {
    silent.close();
    silent.closeAllConnections();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends the job with 130 and leaves nothing, also when npm hands on the same one',
    async (signal) => {
      const cwd = folder();
      const file = database(cwd);
      sqlite(file, `UPDATE artwork SET photos = '["originals/a.jpg"]'`);
      const before = listing(cwd);
      // By its clock the second one comes at once, however long it takes.
      const env = { NODE_OPTIONS: '--import "data:text/javascript,performance.now = () => 0"' };
      const args = ['backup', '--database-file', file, '--public-url', url, '--json'];
      const child = start(args, { cwd, env });
      silent.once('request', () => child.kill(signal));
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
    const args = ['data-dump', '--database-file', database(cwd), '--now', now];
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

  it.each([
    ['exclude', ['  not inside  1 row under CC-BY-4.0\n', '  not inside  1 row under ODbL-1.0\n']],
    // A creator has no file there.
    [
      'separate',
      [
        '  apart       1 row under CC-BY-4.0: works in artwork-other-licenses.json, creators in no file\n',
        '  apart       1 row under ODbL-1.0: works in artwork-other-licenses.json, creators in no file\n',
      ],
    ],
  ])('says where rows under another licence are: %s', async (wish, lines) => {
    const { dir, file } = ofTheField();
    sqlite(file, `UPDATE artists SET tags = '{"license":"CC-BY-4.0"}' WHERE id = 'c1'`);
    const args = ['data-dump', '--database-file', file, '--foreign-licenses', wish];
    const { code, stdout } = await run(args, { cwd: dir });
    expect(code).toBe(0);
    for (const line of lines) expect(stdout).toContain(line);
  });

  it('that fails ends with 1 and takes away the folder it made', async () => {
    const cwd = folder();
    const file = database(cwd);
    sqlite(file, "UPDATE artwork SET status = 'rejected'");
    const before = listing(cwd);
    const { code, stderr } = await run(['data-dump', '--database-file', file], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('code: DUMP_SHRUNK');
    expect(listing(cwd)).toEqual(before);
  });
});
