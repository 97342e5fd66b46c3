/** A data set of large photos, one for each work: what thumbnails are made of. Made once, like the others. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Children } from './children.js';
import { type Data, files, make } from './data.js';
import { seed } from './sizes.js';

/** As many photos as keep two cores busy for some seconds. */
const photos = 48;
/** What cameras of phones make: 12 megapixels. */
export const photoSide = { width: 4_032, height: 3_024 };
/** Raised whenever the same seed gives other bytes. */
const edition = 1;

export async function provideGallery(
  base: string,
  children: Children,
  say: (line: string) => void,
): Promise<Data> {
  const folder = join(base, `gallery-${photos}-edition-${edition}`);
  if ((await sizeOf(folder)) === undefined) {
    say(`making ${folder}`);
    const numbers = [photos, photoSide.width, photoSide.height, seed];
    await make(folder, './data/gallery.js', numbers, children);
  }
  const at = files(folder);
  return {
    artworks: photos,
    rows: photos,
    photos,
    databaseBytes: (await stat(at.database)).size,
    photoBytes: (await sizeOf(folder)) ?? 0,
    folder,
    database: at.database,
    photosFolder: at.photos,
  };
}

/** Bytes of all photos; undefined when they are not there. */
async function sizeOf(folder: string): Promise<number | undefined> {
  const originals = join(files(folder).photos, 'originals');
  try {
    const names = await readdir(originals);
    const stats = await Promise.all(names.map((name) => stat(join(originals, name))));
    return stats.reduce((sum, { size }) => sum + size, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
