/** restoreBackup and the command `restore`: what comes back is what was there, all of it or the chosen part. */

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup, type Progress, restoreBackup, type RestoreOptions } from '../index.js';
import { folder, listing, objects, removeFolders, run } from './support';
import { backup, backupOfAll, contents, index, now } from './support/backups';
import { approved, newer, older, photo, photos } from './support/platform';
import { rewrite } from './support/rewrite';
import { send, Store } from './support/store';
import { sha256, sqlite } from './support/tools';

afterEach(removeFolders);

describe('a backup that is restored', () => {
  it.each([
    ['older', older],
    ['newer', newer],
  ])('and backed up again is the same: %s', async (_, make) => {
    const dir = folder();
    const archive = await backup(dir, make);
    const [database, photosDir] = [
      join(dir, 'back', 'archive.sqlite'),
      join(dir, 'back', 'photos'),
    ];
    const told = new Map<string, Progress>();
    const report = await restoreBackup(archive, {
      database,
      photosDir,
      onProgress: (progress) => told.set(progress.phase, progress),
    });
    expect(report).toMatchObject({ skipped: 0, integrityCheck: 'ok', foreignKeyProblems: 0 });
    expect(report.tables.length).toBeGreaterThan(0);
    expect(report.tables.every(({ matches }) => matches)).toBe(true);
    expect(report.photos).toBe(index(archive).length);
    expect(report.restoredEverything).toBe(true);
    expect([...told.keys()]).toEqual(['verify', 'database', 'photos']);
    for (const { done, total, bytes, totalBytes } of told.values()) {
      expect([done, bytes]).toEqual([total ?? done, totalBytes]);
    }
    expect(told.get('database')?.total).toBe(report.tables.length);
    expect(sqlite(database, 'PRAGMA integrity_check')).toBe('ok');
    if (process.platform !== 'win32') expect(statSync(database).mode & 0o777).toBe(0o600);
    const again = await createBackup({
      database: { file: database },
      photos: { directory: photosDir },
      outputDir: join(dir, 'again'),
      now,
    });
    expect(contents(again.path)).toEqual(contents(archive));
    // Nothing but what was asked for, and no working folder.
    expect(listing(join(dir, 'back')).filter((path) => path.includes('.cultural'))).toEqual([]);
  });

  it('brings odd keys back exactly, where a file can have them', async () => {
    const dir = folder();
    const file = newer(dir);
    const odd = [
      'originals/a:b?.jpg',
      'originals/CON',
      'originals/x.',
      'originals/A.jpg',
      'originals/a.jpg',
    ];
    const keys = process.platform === 'win32' ? [] : odd;
    for (const key of keys) photo(join(dir, 'photos'), key, `bytes of ${key}`);
    photos(dir);
    const path = await backupOfAll(dir, file);
    await restoreBackup(path, { photosDir: join(dir, 'back') });
    for (const key of keys) {
      expect(readFileSync(join(dir, 'back', key), 'utf8')).toBe(`bytes of ${key}`);
    }
  });
});

describe('a key that is the beginning of others', () => {
  it('stays in the archive, with a warning, and the others come back', async () => {
    const dir = folder();
    const keys = ['originals/a', 'originals/a/b.jpg', 'originals/a/c/d.jpg', 'originals/ab.jpg'];
    const renamed = [
      'originals/p1.jpg',
      'originals/p2.jpg',
      'originals/p3.jpg',
      'originals/p4.jpg',
    ];
    for (const key of renamed) photo(join(dir, 'photos'), key, `bytes of ${key}`);
    const file = join(dir, 'small.sqlite');
    sqlite(file, 'CREATE TABLE t(a)');
    const path = await backupOfAll(dir, file);
    // The first is a folder of two others, which no disk can have: it goes by its hash.
    const hash = createHash('sha256').update('originals/a').digest('hex').slice(0, 16);
    const paths = [`_/${hash}`, ...keys.slice(1)].map((name) => `photos/originals/${name}`);
    const archive = rewrite(path, dir, {
      rename: Object.fromEntries(
        renamed.map((key, n) => [`photos/originals/${key}`, paths[n] ?? '']),
      ),
      substitute: {
        'photos/index.json': renamed.map((key, n) => [
          `"key":"${key}","path":"photos/originals/${key}"`,
          `"key":"${keys[n] ?? ''}","path":"${paths[n] ?? ''}"`,
        ]),
      },
      sums: true,
      comment: true,
    });
    for (const again of [false, true]) {
      const report = await restoreBackup(archive, { photosDir: join(dir, 'back') });
      expect(report).toMatchObject({ photos: again ? 0 : 3, restoredEverything: false });
      expect(report.warnings).toEqual([
        expect.objectContaining({ code: 'PHOTO_UNNAMEABLE', subject: 'originals/a' }),
      ]);
      expect(readFileSync(join(dir, 'back', 'originals/a/b.jpg'), 'utf8')).toContain('p2');
    }
  });
});

describe('a part', () => {
  it('of the tables comes back without the others', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const database = join(dir, 'part.sqlite');
    const report = await restoreBackup(archive, { database, tables: ['artists'] });
    expect(report.tables.map(({ name, matches }) => [name, matches])).toEqual([['artists', true]]);
    expect(report.restoredEverything).toBe(false);
    expect(
      sqlite(
        database,
        // SQLite drops its own table only with VACUUM, which would renumber rows.
        "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence'",
      ),
    ).toBe('artists');
    expect(Number(sqlite(database, 'SELECT count(*) FROM artists'))).toBeGreaterThan(0);
    await expect(
      restoreBackup(archive, { database: join(dir, 'x'), tables: ['nothing'] }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('artists') as string,
    });
  });

  it('of the photos comes back by globs', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const photosDir = join(dir, 'back');
    const report = await restoreBackup(archive, { photosDir, keys: ['artworks/**'] });
    const expected = index(archive).filter(({ key }) => key.startsWith('artworks/'));
    expect(expected.length).toBeGreaterThan(0);
    expect(report).toMatchObject({
      photos: expected.length,
      tables: [],
      restoredEverything: false,
    });
    for (const { key, sha256: sum } of expected) expect(sha256(join(photosDir, key))).toBe(sum);
    await expect(restoreBackup(archive, { photosDir, keys: ['['] })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  it('that is all there lacks nothing, whatever else the backup could not get', async () => {
    const dir = folder();
    const stored = [...approved.originals, ...approved.variants];
    const store = await Store.listen(
      stored.map((key) => ({ key, body: Buffer.from(key) })),
      {
        get: ({ pathname }, response) =>
          pathname.endsWith('heron.jpg') && send(response, '', {}, 403),
      },
    );
    const { path, metadata } = await createBackup({
      database: { file: newer(dir) },
      photos: store.s3,
      outputDir: dir,
      now,
    }).finally(() => {
      store.close();
    });
    expect(metadata.photos.missing.map(({ key }) => key)).toEqual([approved.originals[0]]);
    const codes = async (options: RestoreOptions): Promise<string[]> => {
      const { warnings } = await restoreBackup(path, { ...options, dryRun: true });
      return warnings.map(({ code }) => code);
    };
    const [database, photosDir] = [join(dir, 'x.sqlite'), join(dir, 'x')];
    expect(await codes({ database })).toEqual([]);
    expect(await codes({ photosDir, keys: ['artworks/**'] })).toEqual([]);
    expect(await codes({ photosDir, keys: ['originals/**'] })).toEqual(['PHOTO_MISSING']);
    expect(await codes({ photosDir })).toEqual(['PHOTO_MISSING']);
  });

  it('or all of it is only told in a dry run', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const before = listing(dir);
    const [database, photosDir] = [join(dir, 'x', 'back.sqlite'), join(dir, 'x', 'back')];
    const report = await restoreBackup(archive, { database, photosDir, dryRun: true });
    expect(report.photos).toBe(index(archive).length);
    expect(report.restoredEverything).toBe(false);
    expect(listing(dir)).toEqual(before);
  });
});

describe('the command', () => {
  it('brings a backup back, and says in one line whether that is everything', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const all = ['restore', archive, '--database', 'back.sqlite', '--photos-dir', 'back'];
    const dry = await run([...all, '--dry-run'], { cwd: dir });
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    const done = await run(all, { cwd: dir });
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^Everything that the backup holds is back/m);
    const again = await run([...all, '--json'], { cwd: dir });
    expect(again.code).toBe(1);
    expect(objects(again).at(-1)).toMatchObject({ type: 'error', code: 'TARGET_NOT_EMPTY' });
    expect((await run(['restore', archive], { cwd: dir })).code).toBe(2);
    const empty = await run(['restore', archive, '--photos-dir', ''], { cwd: dir });
    expect(empty).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--photos-dir is empty/) as string,
    });
  });

  it('ends with 3 when something that was chosen is not there', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const keys = ['restore', archive, '--photos-dir', 'back', '--keys', '**', 'nothing/**'];
    const { code, stdout } = await run(keys, { cwd: dir });
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /KEYS_UNMATCHED nothing\/\*\*: no photo of the backup has a key like this/,
    );
    expect(stdout).toMatch(
      /^PART of what the platform held is back: the rows were not asked for; some keys were chosen; see the/m,
    );
    const rows = ['restore', archive, '--database', 'back.sqlite', '--quiet'];
    expect(await run(rows, { cwd: dir })).toMatchObject({ code: 0, stdout: '' });
    for (const [at, change] of [
      { add: { 'photos/stray.jpg': 'x' } },
      { delete: ['README.md'] },
    ].entries()) {
      const odd = rewrite(archive, dir, { ...change, sums: true, comment: true });
      const part = ['restore', odd, '--database', `odd-${at}.sqlite`, '--quiet'];
      expect(await run(part, { cwd: dir })).toMatchObject({ code: 3, stdout: '' });
    }
  });
});
