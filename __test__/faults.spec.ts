/** Whatever goes wrong, a rejection says so by its code and the output folder is as it was. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, createBackup, type Progress } from '../index.js';
import { database, folder, listing, removeFolders } from './support';
import { newer, photo, photos } from './support/platform';
import { boundByModes, type JobRequest, onTmpfs, type Outcome, runJob } from './support/process';
import { sqlite, verify } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';
const archive = 'backup-2026-01-02-030405.zip';
const linux = process.platform === 'linux';

/** A database of so many MB that no deflating makes smaller, written through a WAL: it is read where it lies. */
function randomDatabase(dir: string, megabytes: number): string {
  const path = join(dir, 'random.sqlite');
  sqlite(
    path,
    'PRAGMA journal_mode = WAL',
    `CREATE TABLE noise (bytes BLOB);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${megabytes * 20})
     INSERT INTO noise SELECT randomblob(50000) FROM n`,
  );
  return path;
}

/** A folder of incompressible photos that approved works show. */
function manyPhotos(
  dir: string,
  count: number,
  bytes: number,
): Pick<BackupOptions, 'database' | 'photos'> {
  const script = join(dir, 'works.sql');
  const key = (n: number): string => `originals/2025/09/04/${n}.jpg`;
  const works = Array.from({ length: count }, (_, n) => `('w${n}', '["${key(n)}"]', 'approved')`);
  writeFileSync(
    script,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT);
     INSERT INTO artwork VALUES ${works.join(',\n')};`,
  );
  for (let n = 0; n < count; n += 1)
    photo(join(dir, 'photos'), key(n), Buffer.alloc(bytes, `${n}`));
  return { database: { sql: script }, photos: { directory: join(dir, 'photos') } };
}

// A tmpfs in a mount namespace: the other systems have no such thing.
(linux ? describe : describe.skip)('a full disk', () => {
  /** Runs a job whose output folder, which holds something, is on a tmpfs of so many MB. */
  async function onDisk(dir: string, megabytes: number, request: JobRequest): Promise<Outcome> {
    const disk = join(dir, 'disk');
    mkdirSync(disk);
    const prepare = [
      'sh',
      '-c',
      'mkdir "$0" && echo precious > "$0/old.zip" && exec "$@"',
      join(disk, 'out'),
    ];
    const outcome = await runJob(request, [...onTmpfs(disk, `size=${megabytes}m`), ...prepare]);
    expect(outcome).toMatchObject({
      error: { code: 'DISK_FULL', name: 'Error' },
      before: ['old.zip'],
      after: ['old.zip'],
    });
    return outcome;
  }

  function options(dir: string, file: string): BackupOptions {
    return { database: { file }, outputDir: join(dir, 'disk', 'out'), now };
  }

  it('is foreseen where the database alone says so', async () => {
    const dir = folder();
    const { error } = await onDisk(dir, 16, { options: options(dir, randomDatabase(dir, 12)) });
    expect(error?.message).toMatch(/2\d MB are needed and 1\d MB are free/);
  });

  it('ends the copying of a database', async () => {
    const dir = folder();
    const file = randomDatabase(dir, 12);
    sqlite(file, 'PRAGMA journal_mode = DELETE');
    const { error } = await onDisk(dir, 8, { options: options(dir, file) });
    expect(error?.message).toContain('filled up');
  });

  it('ends the loading of a script', async () => {
    const dir = folder();
    const file = randomDatabase(dir, 4);
    const sql = join(dir, 'dump.sql');
    writeFileSync(sql, sqlite(file, '.dump'));
    await onDisk(dir, 3, { options: { ...options(dir, file), database: { sql } } });
  });

  it.each([
    ['database', (dir: string) => ({ database: { file: randomDatabase(dir, 24) } }), 56],
    ['photos', (dir: string) => manyPhotos(dir, 500, 200_000), 110],
  ])('ends the job in the phase %s', async (phase, source, megabytes) => {
    // Enough for the job alone; somebody else takes all that is left once it is in that phase.
    const dir = folder();
    const fill = { phase, file: join(dir, 'disk', 'filler') };
    const request = { options: { ...options(dir, ''), ...source(dir), drill: false }, fill };
    const { error } = await onDisk(dir, megabytes, request);
    expect(error?.message).toContain(`not enough space in ${join(dir, 'disk', 'out')}`);
    expect(error?.message).toContain('filled up');
  });

  it.each([
    ['the archive', false, 36],
    ['the archive or the drill', true, 56],
  ])('ends the writing of %s', async (_, drill, megabytes) => {
    // Room for what is foreseen, and not for the copy of the rows that goes into the archive.
    const dir = folder();
    const request = { options: { ...options(dir, randomDatabase(dir, 20)), drill } };
    const { error } = await onDisk(dir, megabytes, request);
    expect(error?.message).toContain('filled up');
  });
});

describe('an output folder', () => {
  it('that is a file, or below one, is refused', async () => {
    const dir = folder();
    const file = database(dir);
    for (const outputDir of [file, join(file, 'below'), join(file, 'a', 'b')]) {
      await expect(createBackup({ database: { file }, outputDir, now })).rejects.toMatchObject({
        code: 'OUTPUT_UNWRITABLE',
        message: expect.stringContaining('it is a file') as unknown,
      });
    }
    expect(listing(dir)).toEqual(['archive.sqlite']);
  });

  (linux ? it : it.skip)('on a disk that is mounted read-only is refused', async () => {
    const dir = folder();
    const options = { database: { file: database(dir) }, outputDir: join(dir, 'disk'), now };
    mkdirSync(options.outputDir);
    const { error } = await runJob({ options }, onTmpfs(options.outputDir, 'ro'));
    expect(error).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(error?.message).toContain('read-only');
  });

  (linux ? it : it.skip)('on a disk that does not say how much is free is taken', async () => {
    const dir = folder();
    const options = { database: { file: database(dir) }, outputDir: join(dir, 'disk'), now };
    mkdirSync(options.outputDir);
    const { error, after } = await runJob({ options }, onTmpfs(options.outputDir, 'size=0'));
    expect(error).toBeUndefined();
    expect(after).toEqual([archive]);
  });

  (linux ? it : it.skip)('that the user may not write to is refused', async () => {
    const dir = folder();
    const outputDir = join(dir, 'out');
    mkdirSync(outputDir, { mode: 0o555 });
    const options = { database: { file: database(dir) }, outputDir, now };
    const { error, after } = await runJob({ options }, boundByModes());
    expect(error).toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(after).toEqual([]);
    const below = { ...options, outputDir: join(outputDir, 'a', 'b') };
    expect((await runJob({ options: below }, boundByModes())).error).toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });

  it('keeps an archive of that name, unless it may be replaced', async () => {
    const dir = folder();
    const options = { database: { file: database(dir) }, outputDir: join(dir, 'out'), now };
    mkdirSync(options.outputDir);
    const path = join(options.outputDir, archive);
    writeFileSync(path, 'precious');
    await expect(createBackup(options)).rejects.toMatchObject({ code: 'ARCHIVE_EXISTS' });
    await expect(
      createBackup({ ...options, database: { file: 'nowhere' }, overwrite: true }),
    ).rejects.toMatchObject({ code: 'DATABASE_NOT_FOUND' });
    expect(sqlite(':memory:', `SELECT CAST(readfile('${path}') AS TEXT)`)).toBe('precious');
    await createBackup({ ...options, overwrite: true });
    verify(path);
    expect(listing(options.outputDir)).toEqual([archive]);
  });

  it('gives a name to exactly one of several runs that want it', async () => {
    const dir = folder();
    const options = { database: { file: newer(dir) }, photos: { directory: photos(dir) }, now };
    const outputDir = join(dir, 'made', 'by', 'all');
    const runs = await Promise.allSettled(
      Array.from({ length: 6 }, () => createBackup({ ...options, outputDir })),
    );
    const refused = runs.flatMap((run) =>
      run.status === 'rejected' ? [run.reason as unknown] : [],
    );
    expect(refused).toHaveLength(5);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'ARCHIVE_EXISTS' });
    expect(listing(outputDir)).toEqual([archive]);
    verify(join(outputDir, archive));
  });
});

describe('a job that is aborted', () => {
  const phases: [title: string, is: (seen: Progress, earlier: Set<string>) => boolean][] = [
    ['while the database is copied', ({ phase }) => phase === 'snapshot'],
    ['while the rows are written', ({ phase }) => phase === 'database'],
    ['while the drill loads', ({ phase }) => phase === 'verify'],
    ['while photos are copied', ({ phase }) => phase === 'photos'],
    ['while the archive is ended', ({ phase }) => phase === 'finish'],
    ['while it is read back', ({ phase }, earlier) => phase === 'verify' && earlier.has('finish')],
  ];

  it.each(phases)('%s leaves nothing', async (_, isReached) => {
    const dir = folder();
    const source = manyPhotos(dir, 60, 1_000_000);
    sqlite(
      join(dir, 'works.sqlite'),
      '.read ' + join(dir, 'works.sql'),
      `CREATE TABLE noise AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
       SELECT i, randomblob(4000) AS bytes FROM n`,
    );
    const outputDir = join(dir, 'out');
    // An abort may come too late for the last phases: then the archive is there, and whole. Never every time.
    for (let attempt = 1; ; attempt += 1) {
      const controller = new AbortController();
      const earlier = new Set<string>();
      const ended = await createBackup({
        photos: source.photos,
        database: { file: join(dir, 'works.sqlite') },
        outputDir,
        now,
        overwrite: true,
        signal: controller.signal,
        onProgress: (progress) => {
          if (isReached(progress, earlier)) controller.abort();
          earlier.add(progress.phase);
        },
      }).then(
        () => 'made',
        (error: unknown) => error,
      );
      expect(controller.signal.aborted).toBe(true);
      if (ended !== 'made') {
        expect(ended).toMatchObject({ code: 'ABORT_ERR', name: 'AbortError' });
        if (attempt === 1) expect(listing(dir)).not.toContain('out');
        else expect(listing(outputDir)).toEqual([archive]);
        break;
      }
      verify(join(outputDir, archive));
      expect(attempt).toBeLessThan(10);
    }
  });

  it('did not keep the event loop waiting', async () => {
    const dir = folder();
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    await createBackup({ ...manyPhotos(dir, 60, 1_000_000), outputDir: dir, now }).finally(() => {
      clearInterval(timer);
    });
    expect(ticks).toBeGreaterThan(10);
  });
});
