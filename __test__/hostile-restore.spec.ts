/** Archives that somebody made to write where nobody asked: a restore leaves everything outside its targets alone. */

import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

import { restoreBackup } from '../index.js';
import { folder, listing, removeFolders, root } from './support';
import { type Changes, rewrite } from './support/rewrite';
import { entry } from './support/tools';

afterEach(removeFolders);

const backup = join(root, '__test__', 'golden', 'backup-1.0.zip');
const copy = 'artworks/2025/09/04/heron__400x400.jpg';
const heron = 'originals/2025/09/04/heron.jpg';
const tides = 'originals/2025/09/05/tides at dusk.png';
const sound = { sums: true, comment: true } as const;

/** The archive whose first photo claims to have this key, all checksums right. */
const keyed = (key: string): Changes => ({
  ...sound,
  substitute: {
    'photos/index.json': [[`"key":${JSON.stringify(heron)}`, `"key":${JSON.stringify(key)}`]],
  },
});

/** A folder with something to lose beside the targets. */
function home(): string {
  const dir = folder();
  mkdirSync(join(dir, 'photos'));
  writeFileSync(join(dir, 'precious.txt'), 'mine');
  return dir;
}

const targets = (dir: string) => ({
  database: join(dir, 'archive.sqlite'),
  photosDir: join(dir, 'photos'),
});

interface Outcome {
  readonly code?: string;
  readonly integrityCheck?: string;
}

/** What a restore came to: its report, or its error. */
async function outcome(archive: string, dir: string): Promise<Outcome> {
  return restoreBackup(archive, targets(dir)).catch((error: unknown) => error as Outcome);
}

/** The photos that the archive holds honestly; `but` is the one that does not come back. */
const photos = (but = ''): string[] =>
  [copy, heron, tides].filter((key) => key !== but).map((key) => join('photos', key));

const files = (dir: string): string[] =>
  listing(dir).filter((name) => statSync(join(dir, name)).isFile());

it.each([
  '../precious.txt',
  'originals/../../precious.txt',
  '..',
  '/etc/evil.jpg',
  '//host/share/evil.jpg',
  'C:\\evil.jpg',
  'C:evil.jpg',
  '..\\..\\precious.txt',
  'originals/./evil.jpg',
  'originals//evil.jpg',
  'originals/\u0000evil.jpg',
  'originals/',
  '',
  'CON',
  'originals/nul.jpg',
  `originals/${'x'.repeat(300)}.jpg`,
])('a photo whose key is %j', async (key) => {
  const dir = home();
  const { code, integrityCheck } = await outcome(rewrite(backup, folder(), keyed(key)), dir);
  if (code === undefined) {
    expect(integrityCheck).toBe('ok');
    // Where such a name is a file like any other, as `CON` is on Linux, it comes back below the folder of photos.
    const strange = ['photos', ...key.split('/')].join(sep);
    const left = files(dir).filter((name) => name !== strange);
    expect(left).toEqual(['archive.sqlite', ...photos(heron), 'precious.txt']);
  } else {
    expect(code).toBe('ARCHIVE_CORRUPT');
    expect(files(dir)).toEqual(['precious.txt']);
  }
  expect(readFileSync(join(dir, 'precious.txt'), 'utf8')).toBe('mine');
});

// A restore takes what the index names, and says that there is more; to tell what it is is what `verify` does.
it.each([
  '../evil.jpg',
  '..\\evil.jpg',
  '/evil.jpg',
  'C:/evil.jpg',
  'photos/originals/../../../evil.jpg',
  'photos/originals/CON',
])('an entry named %j', async (name) => {
  const dir = home();
  const archive = rewrite(backup, folder(), { ...sound, add: { [name]: 'evil' } });
  expect(await outcome(archive, dir)).toMatchObject({
    integrityCheck: 'ok',
    restoredEverything: false,
    warnings: [{ code: 'ENTRY_UNKNOWN', message: expect.stringContaining('verify') as string }],
  });
  expect(files(dir)).toEqual(['archive.sqlite', ...photos(), 'precious.txt']);
});

it('a link in the archive', async () => {
  const dir = home();
  const link = { 'photos/originals/originals/link.jpg': '../../precious.txt' };
  const archive = rewrite(backup, folder(), { ...sound, link });
  expect(await outcome(archive, dir)).toMatchObject({ integrityCheck: 'ok' });
  expect(files(dir)).toEqual(['archive.sqlite', ...photos(), 'precious.txt']);
});

it('a path in the index that leads to another entry', async () => {
  const dir = home();
  const stolen: Changes = {
    ...sound,
    substitute: {
      'photos/index.json': [[`photos/originals/${heron}`, '../../../../../../etc/hostname']],
    },
  };
  const archive = rewrite(backup, folder(), stolen);
  expect(await outcome(archive, dir)).toMatchObject({ code: 'ARCHIVE_CORRUPT' });
  expect(listing(dir)).toEqual(['photos', 'precious.txt']);
});

it.each([
  ['one photo', /"size":\d+/],
  ['every photo', /"size":\d+/g],
])('an index that says of %s how long none can be', async (_, sizes) => {
  const dir = home();
  const index = entry(backup, 'photos/index.json').replace(sizes, `"size":${2n ** 64n - 1n}`);
  const archive = rewrite(backup, folder(), { ...sound, replace: { 'photos/index.json': index } });
  expect(await outcome(archive, dir)).toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringContaining('it is not as long as photos/index.json says') as string,
  });
  expect(files(dir)).toEqual(['precious.txt']);
});

it('a link that already stands in the folder of photos', async () => {
  const dir = home();
  const elsewhere = folder();
  symlinkSync(elsewhere, join(dir, 'photos', 'originals'), 'junction');
  expect(await outcome(backup, dir)).toMatchObject({
    code: 'TARGET_NOT_EMPTY',
    message: expect.stringContaining('move it away, or choose another folder') as string,
  });
  expect(listing(elsewhere)).toEqual([]);
  expect(files(dir)).toEqual(['precious.txt']);
});

it.each([
  ['another file', "ATTACH 'evil.db' AS evil; CREATE TABLE evil.t (x);"],
  ['a copy of itself', "VACUUM INTO 'evil.db';"],
  ['a dot command', '.shell touch evil.db'],
  ['no end', 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT count(*) FROM r;'],
])('SQL that asks for %s', async (_, sql) => {
  const dir = home();
  const line = 'CREATE INDEX by_title';
  const substitute: Changes['substitute'] = { 'database.sql': [[line, `${sql}\n${line}`]] };
  const archive = rewrite(backup, folder(), { ...sound, substitute });
  expect((await outcome(archive, dir)).code).toMatch(/^(ARCHIVE_CORRUPT|DATABASE_UNREADABLE)$/);
  expect(listing(dir)).toEqual(['photos', 'precious.txt']);
  expect(existsSync('evil.db')).toBe(false);
});
