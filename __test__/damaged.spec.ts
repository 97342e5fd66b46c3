/** What a person is told of archives that accidents and careless hands have damaged: those kept in `fixtures/damaged/`. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import { restoreBackup, verifyArchive } from '../index.js';
import { folder, listing, removeFolders, root } from './support';
import { backup } from './support/archives';
import { tool, unpack } from './support/tools';

afterEach(removeFolders);

const heron = 'photos/originals/originals/2025/09/04/heron.jpg';
const tides = 'photos/originals/originals/2025/09/05/tides at dusk.png';
const cut =
  'ARCHIVE_CORRUPT: it does not end as an archive does: it was cut short, or bytes were added; take another copy';
const moved = 'ARCHIVE_CORRUPT: its directory is not where it should be; take another copy';
const noZip = 'ARCHIVE_CORRUPT: it is no ZIP: it neither begins nor ends as one; take another copy';
const altered =
  'ARCHIVE_ALTERED: bytes were changed since it was made, none of them contents: everything inside is as it was written; prefer a copy that verifies if there is one';

const nothing = 'DAMAGED: take another copy; nothing in it could be checked';
const noMore = 'DAMAGED: take another copy; nothing more can be said of this one';
const partly = 'DAMAGED: take another copy; what is not named above is sound';
const sound = 'ALTERED: bytes were changed since it was made; its contents are sound';

/** By name of the archive: every problem that is told, and the last line. */
const told: Readonly<Record<string, readonly [problems: readonly string[], verdict: string]>> = {
  nothing: [['ARCHIVE_CORRUPT: the file is empty; take another copy'], nothing],
  'error-page': [[noZip], nothing],
  'first-half': [[cut], nothing],
  'second-half': [[moved], nothing],
  'without-end': [[cut], nothing],
  'end-alone': [[moved], nothing],
  'something-before': [[moved], nothing],
  'something-after': [[cut], nothing],
  'zeroed-end': [[cut], nothing],
  'as-text': [[moved], nothing],
  'as-unicode': [[cut], nothing],
  'zeroed-sector': [
    ['ARCHIVE_CORRUPT database.sql: it is damaged: incomplete deflate stream; take another copy'],
    partly,
  ],
  'bit-of-sql': [
    ['ARCHIVE_CORRUPT database.sql: it is damaged: corrupt deflate stream; take another copy'],
    partly,
  ],
  'bit-of-photo': [
    [
      `ARCHIVE_CORRUPT ${heron}: it is damaged: its bytes are not the ones that were written: the CRC-32 is wrong; take another copy`,
    ],
    partly,
  ],
  'bit-of-directory': [
    [
      'ARCHIVE_ALTERED database.sql: its two headers disagree on its name, date or flags',
      'ARCHIVE_CORRUPT database-extra.sql: it shares bytes with another entry, as bombs do; it was not read',
      'ARCHIVE_ALTERED: there are bytes between entries that belong to none, in 1 place',
      'ARCHIVE_CORRUPT database.sql: it is damaged: bytes follow its end; take another copy',
      'ARCHIVE_CORRUPT database-extra.sql: it is missing: take another copy',
    ],
    partly,
  ],
  'bit-of-comment': [[altered], sound],
  'packed-again': [[altered], sound],
  'without-photo': [
    [`ARCHIVE_CORRUPT ${heron}: photos/index.json lists it, and it is missing`],
    partly,
  ],
  'without-index': [
    ['ARCHIVE_CORRUPT photos/index.json: every archive of this kind has it, and it is missing'],
    partly,
  ],
  'without-metadata': [
    ['ARCHIVE_CORRUPT metadata.json: every archive of this kind has it, and it is missing'],
    noMore,
  ],
  'photos-swapped': [
    [heron, tides].map(
      (name) => `ARCHIVE_CORRUPT ${name}: it is not the photo that photos/index.json describes`,
    ),
    partly,
  ],
  'row-edited': [
    [
      'ARCHIVE_CORRUPT database.sql: the table artwork came back with other content; take another copy',
    ],
    partly,
  ],
  'sql-cut': [
    ['ARCHIVE_CORRUPT database.sql: it has another length than metadata.json says'],
    partly,
  ],
  'sums-edited': [
    ['ARCHIVE_CORRUPT database.sql: it is not what SHA256SUMS says: take another copy'],
    partly,
  ],
  'of-the-future': [
    [
      'FORMAT_NEWER: it is of a newer format version than 1.0, which this version of the package reads; use the one that made it, or a newer one',
    ],
    'UNKNOWN: this version of the package cannot judge it',
  ],
  'dump-with-email': [
    ['PRIVACY_LEAK artwork.json: it holds an e-mail address, which is never public'],
    'NOT TO BE PUBLISHED: it holds what may not be public',
  ],
  'dump-with-field': [
    [
      'ARCHIVE_CORRUPT artwork.json: record 1 is not as its schema says: a field is missing, or is none of the format',
    ],
    partly,
  ],
  'dump-without-record': [
    ['ARCHIVE_CORRUPT creators.json: it has another number of records than metadata.json says'],
    partly,
  ],
};

const kept = join(root, '__test__', 'fixtures', 'damaged');
const names = readdirSync(kept)
  .filter((name) => name.endsWith('.zip'))
  .map((name) => basename(name, '.zip'));

it('has something to say of every archive that is kept, of more than twenty', () => {
  expect(names.length).toBeGreaterThan(20);
  expect([...names].sort()).toEqual(Object.keys(told).sort());
});

describe.each(names)('%s', (name) => {
  const archive = join(kept, `${name}.zip`);
  const [problems, verdict] = told[name] ?? [[], ''];

  it('is told apart, to programs and to people', async () => {
    const report = await verifyArchive(archive);
    const lines = report.problems.map(
      ({ code, subject, message }) =>
        `${code}${subject === undefined ? '' : ` ${subject}`}: ${message}`,
    );
    expect(lines).toEqual(problems);
    expect(report.ok).toBe(false);
    expect(lastLine(archive)).toBe(verdict);
  });

  it('is not restored, and leaves nothing', async () => {
    const dir = folder();
    const restored = restoreBackup(archive, {
      database: join(dir, 'archive.sqlite'),
      photosDir: join(dir, 'photos'),
    });
    await expect(restored).rejects.toMatchObject({
      code: expect.stringMatching(/^(ARCHIVE_CORRUPT|INVALID_OPTIONS)$/) as string,
    });
    expect(listing(dir)).toEqual([]);
  });
});

describe('unpacked and packed again', () => {
  const script = 'import shutil, sys; shutil.make_archive(sys.argv[1][:-4], "zip", ".")';
  it.each([
    ['7z', ['a', '-bd', '-tzip']],
    ['python3', ['-c', script]],
  ])('with an entry for every folder, by %s, it lacks nothing', async (program, args) => {
    const dir = folder();
    const unpacked = unpack(await backup(dir), dir);
    const packed = join(dir, 'packed.zip');
    tool(program, [...args, packed], unpacked);
    const { problems } = await verifyArchive(packed);
    expect(problems.map(({ message }) => message).join('\n')).toMatch(
      /^\d+ folders have entries of their own/m,
    );
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['ARCHIVE_ALTERED']));
    expect(lastLine(packed)).toBe(sound);
  });

  it('with a gap behind each entry, it has one finding for all of them', async () => {
    const dir = folder();
    const packed = join(dir, 'packed.zip');
    const script = [
      'import sys, zipfile',
      'with zipfile.ZipFile(sys.argv[1]) as old, zipfile.ZipFile(sys.argv[2], "w") as new:',
      '    for info in old.infolist():',
      '        new.writestr(info, old.read(info))',
      '        new.fp.write(bytes(3))',
      '        new.start_dir = new.fp.tell()',
    ].join('\n');
    tool('python3', ['-c', script, await backup(dir), packed]);
    const { problems } = await verifyArchive(packed);
    const gaps = problems.filter(({ message }) => message.includes('between entries'));
    expect(gaps).toEqual([
      { code: 'ARCHIVE_ALTERED', message: expect.stringMatching(/in \d+ places$/) as string },
    ]);
  });
});

/** What the command `verify` says last of an archive. */
function lastLine(archive: string): string | undefined {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'dist', 'cli', 'main.js'), 'verify', archive],
    { encoding: 'utf8' },
  );
  return `${stdout}${stderr}`.trimEnd().split('\n').at(-1);
}
