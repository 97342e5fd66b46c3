/**
 * Archives of format version 1.0 as this package once wrote them, in golden/. They are never written anew: whatever
 * becomes of the writers, these stay readable. golden/README.md says what they hold.
 */

import { join } from 'node:path';

import { createBackup, createDataDump, restoreBackup, verifyArchive } from '../index.js';
import { folder, listing, removeFolders, root } from './support';
import { rewrite } from './support/rewrite';
import { entry, judge, restore, sha256, sqlite } from './support/tools';

const golden = (name: string): string => join(root, '__test__', 'golden', name);
const backup = golden('backup-1.0.zip');
const dump = golden('datadump-1.0.zip');
const now = '2026-01-03T03:04:05Z';

const heron = 'originals/2025/09/04/heron.jpg';
const tides = 'originals/2025/09/05/tides at dusk.png';
const copy = 'artworks/2025/09/04/heron__400x400.jpg';

/** What the database holds, each value with its type; as text, so that nothing rounds. */
const cells = `
  SELECT id, title, description, lat = 49.2827291, status FROM artwork ORDER BY id;
  SELECT n, typeof(value), hex(value) FROM odd ORDER BY n;
  SELECT 1, typeof(value), value = 0.1 + 0.2 FROM odd WHERE n = 1;
  SELECT seq FROM sqlite_sequence;
  SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type <> 'table' ORDER BY name);`;
const content = [
  "a0000000-0000-4000-8000-000000000001|Heron|It's by the mill.\nStep free. 🎨|1|approved",
  'a0000000-0000-4000-8000-000000000002|Tides||0|approved',
  'a0000000-0000-4000-8000-000000000003|Not yet||0|pending',
  '1|real|302E33',
  '2|blob|00FF',
  '3|null|',
  '5|integer|39323233333732303336383534373735383037',
  '6|text|FF41',
  '1|real|1',
  '9',
  'approved by_title keep sqlite_autoindex_artists_1 sqlite_autoindex_artwork_1 sqlite_autoindex_users_1',
].join('\n');

/** The backup as a package that writes another format version would have written it. */
const ofVersion = (version: string, dir: string): string =>
  rewrite(backup, dir, {
    substitute: {
      'metadata.json': [['"format_version": "1.0"', `"format_version": "${version}"`]],
    },
    sums: true,
    comment: true,
  });

afterEach(removeFolders);

it.each([
  ['backup', backup, 'f1ed3dda7786861190b256c69903cab21e2b720ccd2f8d7d066feb07992efce1'],
  ['data-dump', dump, '43aa8e8ebfd4d203a321addc1b9cc7e3dfcb73da0378b9a04faaebdd7cb78530'],
])('is what it was, and sound to us and to everybody else: %s', async (kind, archive, digest) => {
  expect(sha256(archive)).toBe(digest);
  judge(archive, folder());
  expect(await verifyArchive(archive)).toMatchObject({ ok: true, kind, problems: [] });
});

it('the backup restores', async () => {
  const dir = folder();
  const database = join(dir, 'archive.sqlite');
  const photosDir = join(dir, 'photos');
  const report = await restoreBackup(backup, { database, photosDir });
  expect(report).toMatchObject({ restoredEverything: true, photos: 3, integrityCheck: 'ok' });
  expect(sqlite(database, cells)).toBe(content);
  expect(sqlite(database, 'PRAGMA user_version')).toBe('7');
  // A contentless index has no content to ask for, only matches.
  expect(sqlite(database, "SELECT rowid FROM found WHERE found MATCH 'tides'")).toBe('2');
  const index = JSON.parse(entry(backup, 'photos/index.json')) as { key: string; sha256: string }[];
  expect(index.map(({ key }) => key).sort()).toEqual([copy, heron, tides].sort());
  for (const { key, sha256: digest } of index) expect(sha256(join(photosDir, key))).toBe(digest);
});

it('the backup restores by hand, with unzip and the sqlite3 shell', () => {
  const database = restore(judge(backup, folder()));
  expect(sqlite(database, cells)).toBe(content);
});

it('a new backup takes photos out of it', async () => {
  const dir = folder();
  const [database, photosDir] = [join(dir, 'archive.sqlite'), join(dir, 'photos')];
  await restoreBackup(backup, { database, photosDir });
  const made = await createBackup({
    database: { file: database },
    photos: { directory: photosDir },
    reuseFrom: backup,
    outputDir: join(dir, 'out'),
    now,
  });
  expect(entry(made.path, 'database.sql')).toBe(entry(backup, 'database.sql'));
  expect(made.complete).toBe(true);
});

it('a new dump tells what has changed since', async () => {
  const dir = folder();
  const database = join(dir, 'archive.sqlite');
  await restoreBackup(backup, { database });
  sqlite(database, "UPDATE artwork SET title = 'Heron, mended' WHERE title = 'Heron'");
  const made = await createDataDump({
    database: { file: database },
    previous: dump,
    outputDir: join(dir, 'out'),
    now,
  });
  const changes = JSON.parse(entry(made.path ?? '', 'CHANGES.json')) as unknown;
  expect(JSON.stringify(changes)).toContain('a0000000-0000-4000-8000-000000000001');
  expect(JSON.stringify(changes)).not.toContain('a0000000-0000-4000-8000-000000000003');
});

it('a newer major version is refused, and nothing is written', async () => {
  const dir = folder();
  const newer = ofVersion('2.0', dir);
  const before = listing(dir);
  const database = join(dir, 'archive.sqlite');
  await expect(restoreBackup(newer, { database })).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringMatching(/newer format version than 1\.0.*or a newer one/s) as string,
  });
  expect(listing(dir)).toEqual(before);
});

it('a newer minor version is read', async () => {
  const dir = folder();
  const newer = ofVersion('1.7', dir);
  expect(await verifyArchive(newer)).toMatchObject({ ok: true, problems: [] });
  const database = join(dir, 'archive.sqlite');
  expect(await restoreBackup(newer, { database })).toMatchObject({ integrityCheck: 'ok' });
  expect(sqlite(database, cells)).toBe(content);
});
