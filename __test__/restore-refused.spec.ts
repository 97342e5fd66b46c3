/** What is not restored, and targets that take nothing: the refusal comes before anything is written. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createDataDump, restoreBackup, type RestoreOptions, verifyArchive } from '../index.js';
import { cli, folder, listing, removeFolders } from './support';
import { backup, backupOfAll, now } from './support/backups';
import { approved, photo } from './support/platform';
import { boundByModes } from './support/process';
import { type Changes, rewrite } from './support/rewrite';
import { entry, sqlite } from './support/tools';

afterEach(removeFolders);

describe('an archive that was edited and sealed again', () => {
  const small = async (dir: string): Promise<string> => {
    const file = join(dir, 'small.sqlite');
    sqlite(
      file,
      'CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE u(a); PRAGMA user_version = 5',
    );
    photo(join(dir, 'photos'), 'originals/a.jpg', 'a');
    photo(join(dir, 'photos'), 'originals/b.jpg', 'b');
    return backupOfAll(dir, file);
  };
  const table = /\s*\{\s*"name": "u",[^}]*\},?/;
  const seal = (archive: string, dir: string, changes: Changes): string =>
    rewrite(archive, dir, { ...changes, sums: true, comment: true });
  const metadata = (archive: string): string => entry(archive, 'metadata.json');

  it.each<[string, (archive: string) => Changes, RegExp]>([
    [
      'lists a table less',
      (a) => ({
        replace: {
          'metadata.json': metadata(a)
            .replace(table, '')
            .replace(/\},(\s*\])/, '}$1'),
        },
      }),
      /does not list (it|the table u)/,
    ],
    [
      'lists a table twice',
      (a) => ({
        replace: {
          'metadata.json': metadata(a).replace(
            table,
            (found) => `${found.replace(/,$/, '')},${found}`,
          ),
        },
      }),
      /lists a table twice/,
    ],
    [
      'names a key twice',
      () => ({ substitute: { 'photos/index.json': [['"originals/b.jpg"', '"originals/a.jpg"']] } }),
      /names a key twice/,
    ],
    [
      'has a shorter database.sql',
      (a) => ({ replace: { 'database.sql': entry(a, 'database.sql').trimEnd() } }),
      /database\.sql it has another length/,
    ],
    [
      'has a photo compressed',
      () => {
        const path = 'photos/originals/originals/a.jpg';
        return { delete: [path], add: { [path]: 'a' } };
      },
      /a\.jpg it is compressed/,
    ],
    ['lacks database-extra.sql', () => ({ delete: ['database-extra.sql'] }), /database-extra\.sql/],
  ])('and %s is neither sound nor restored', async (_, changes, message) => {
    const dir = folder();
    const archive = await small(dir);
    const edited = seal(archive, dir, changes(archive));
    const report = await verifyArchive(edited);
    expect(
      report.problems.map(({ subject, message }) => `${subject ?? ''} ${message}`).join(),
    ).toMatch(message);
    const [database, photosDir] = [join(dir, 'back.sqlite'), join(dir, 'back')];
    const restored = restoreBackup(edited, { database, photosDir });
    await expect(restored).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    expect([database, photosDir].filter(existsSync)).toEqual([]);
  });

  it('and lacks its README or its checksums is not everything', async () => {
    for (const name of ['README.md', 'SHA256SUMS']) {
      const dir = folder();
      const archive = rewrite(await small(dir), dir, { delete: [name], comment: true });
      const targets = { database: join(dir, 'back.sqlite'), photosDir: join(dir, 'back') };
      const report = await restoreBackup(archive, targets);
      expect(report.restoredEverything).toBe(false);
      expect(report.warnings).toEqual([expect.objectContaining({ code: 'ENTRY_MISSING' })]);
    }
  });
});

describe('a target that is not empty', () => {
  it('keeps its database, and nothing is written', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const database = join(dir, 'archive.sqlite');
    for (const path of [database, `${database}-wal`]) {
      writeFileSync(path, 'mine');
      const restored = restoreBackup(archive, { database, photosDir: join(dir, 'back') });
      await expect(restored).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
      expect(readFileSync(path, 'utf8')).toBe('mine');
      expect(listing(dir)).not.toContain('back');
      rmSync(path);
    }
  });

  it('keeps another file where a photo belongs; a photo that is there is skipped', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const photosDir = join(dir, 'back');
    const [first] = approved.originals;
    photo(photosDir, first, 'mine');
    const [database] = [join(dir, 'back.sqlite')];
    await expect(restoreBackup(archive, { database, photosDir })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringContaining(first) as string,
    });
    expect(listing(photosDir).filter((path) => path.endsWith('.jpg'))).toHaveLength(1);
    expect(listing(dir)).not.toContain('back.sqlite');
    rmSync(join(photosDir, first));
    // As a restore that was broken off leaves it: some photos, no database.
    photo(photosDir, first, readFileSync(join(dir, 'photos', first)));
    const report = await restoreBackup(archive, { database, photosDir });
    expect(report).toMatchObject({ skipped: 1, restoredEverything: true });
  });

  it('leads nowhere else: a link among its folders is refused', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const [photosDir, elsewhere] = [join(dir, 'back'), join(dir, 'elsewhere')];
    mkdirSync(photosDir);
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(photosDir, 'originals'), 'junction');
    await expect(restoreBackup(archive, { photosDir })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
    });
    expect(listing(elsewhere)).toEqual([]);
  });
});

describe('a target that cannot be made', () => {
  it.each([false, true])('is refused before anything is written: dry run %s', async (dryRun) => {
    const dir = folder();
    const archive = await backup(dir);
    const before = listing(dir);
    const [back, photosDir] = [join(dir, 'back'), join(dir, 'back', 'photos')];
    const refused: [RestoreOptions, string][] = [
      [{ database: join(archive, 'x.sqlite') }, 'OUTPUT_UNWRITABLE'],
      [{ database: join(dir, 'x.sqlite'), photosDir: archive }, 'OUTPUT_UNWRITABLE'],
      [{ photosDir: join(archive, 'photos') }, 'OUTPUT_UNWRITABLE'],
      [{ wrangler: { bucket: 'b', stateDir: archive } }, 'OUTPUT_UNWRITABLE'],
      [{ database: back, photosDir: back }, 'INVALID_OPTIONS'],
      [{ database: back, photosDir }, 'INVALID_OPTIONS'],
      [{ database: back, wrangler: { bucket: 'b', stateDir: photosDir } }, 'INVALID_OPTIONS'],
    ];
    for (const [options, code] of refused) {
      const restored = restoreBackup(archive, { ...options, dryRun });
      await expect(restored).rejects.toMatchObject({ code });
      expect(listing(dir)).toEqual(before);
    }
  });

  it('is said to be a file where it is one', async () => {
    const dir = folder();
    const archive = await backup(dir);
    for (const photosDir of [archive, join(archive, 'photos')]) {
      const restored = restoreBackup(archive, { photosDir });
      await expect(restored).rejects.toThrow(`cannot write ${archive}: it is a file, not a folder`);
    }
  });

  // Permissions of folders are those of POSIX.
  (process.platform === 'win32' ? it.skip : it)('is one that this user may not write', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const shut = join(dir, 'shut');
    mkdirSync(shut, { mode: 0o555 });
    for (const target of [
      ['--database', join(shut, 'x.sqlite')],
      ['--photos-dir', join(shut, 'a', 'b')],
    ]) {
      const restoring = [cli, 'restore', archive, ...target, '--dry-run'];
      const [command, ...args] = [...boundByModes(), process.execPath, ...restoring];
      const { status, stderr } = spawnSync(command ?? '', args, { cwd: dir, encoding: 'utf8' });
      expect({ status, stderr }).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/read-only.*\n.*because.*\n.*OUTPUT_UNWRITABLE/) as string,
      });
    }
  });
});

describe('what cannot be restored', () => {
  it('is a database whose path is that of a folder; nothing is written', async () => {
    const dir = folder();
    const archive = await backup(dir);
    mkdirSync(join(dir, 'there'));
    const before = listing(dir);
    for (const database of [join(dir, 'back/'), `${dir}/back/..`, join(dir, 'there')]) {
      const restored = restoreBackup(archive, { database, photosDir: join(dir, 'photos') });
      await expect(restored).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    expect(listing(dir)).toEqual(before);
  });

  it('is an archive that was damaged or altered, a dump, or nothing at all; nothing is written', async () => {
    const dir = folder();
    const archive = await backup(dir);
    const database = join(dir, 'back.sqlite');
    const dump = await createDataDump({
      database: { file: join(dir, 'newer.sqlite') },
      outputDir: dir,
      now,
    });
    const damaged = join(dir, 'damaged.zip');
    const bytes = readFileSync(archive);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(damaged, bytes);
    const before = listing(dir);
    const restore = (path: string, options: object = { database }): Promise<unknown> =>
      restoreBackup(path, options);
    await expect(restore(damaged)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    await expect(restore(join(dir, 'nothing.zip'))).rejects.toMatchObject({
      code: 'ARCHIVE_CORRUPT',
    });
    await expect(restore(dump.path ?? '')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(restore(archive, {})).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const [tables, keys, photosDir] = [['artists'], ['**'], join(dir, 'back')];
    for (const options of [
      { database, tables: [1] },
      { photosDir, tables },
      { database, keys },
    ]) {
      await expect(restore(archive, options)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    const signal = AbortSignal.abort();
    for (const path of [archive, join(dir, 'nothing.zip')]) {
      const stopped = { name: 'AbortError', code: 'ABORT_ERR' };
      await expect(restore(path, { database, signal })).rejects.toMatchObject(stopped);
      await expect(verifyArchive(path, { signal })).rejects.toMatchObject(stopped);
    }
    expect(listing(dir)).toEqual(before);
  });
});
