/** Archives beyond what a ZIP of 1989 can count: 65,535 entries and 4 GiB. Every reader that people have takes them. */

import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup, verifyArchive } from '../index.js';
import { folder, removeFolders } from './support';
import { full } from './support/random';
import { accept, entries, sqlite } from './support/tools';

afterEach(removeFolders);

const minutes = 60_000;

/** The backup of an empty archive with all photos of a folder. */
async function backup(dir: string, directory: string): Promise<string> {
  const file = join(dir, 'archive.sqlite');
  sqlite(file, 'CREATE TABLE artwork (id TEXT, status TEXT, photos TEXT)');
  const { path } = await createBackup({
    database: { file },
    photos: { directory },
    photoScope: 'all',
    outputDir: join(dir, 'out'),
  });
  return path;
}

it(
  '66,000 photos',
  async () => {
    const dir = folder();
    const directory = join(dir, 'photos');
    const count = 66_000;
    for (let n = 0; n < count; n += 1) {
      const day = join(directory, 'originals', String(n % 100));
      if (n < 100) mkdirSync(day, { recursive: true });
      writeFileSync(join(day, `${n}.jpg`), String(n));
    }
    const archive = await backup(dir, directory);
    accept(archive);
    expect(await verifyArchive(archive)).toMatchObject({ ok: true, problems: [] });
    expect(entries(archive).filter((name) => name.endsWith('.jpg')).length).toBe(count);
  },
  5 * minutes,
);

// 4.1 GiB of disk, beside a sparse file; the full run alone has them to spare.
const sizes = full ? [4.1] : [0.1];

it.each(sizes)(
  'a photo of %d GiB before another',
  async (size) => {
    const dir = folder();
    const originals = join(dir, 'photos', 'originals');
    mkdirSync(originals, { recursive: true });
    writeFileSync(join(originals, 'large.tif'), '');
    truncateSync(join(originals, 'large.tif'), Math.round(size * 2 ** 30));
    writeFileSync(join(originals, 'small.jpg'), 'after it');
    const archive = await backup(dir, join(dir, 'photos'));
    accept(archive);
    expect(await verifyArchive(archive)).toMatchObject({ ok: true, problems: [] });
  },
  10 * minutes,
);
