/** The data sets: each lies in a folder of its own, is made once, and is complete or not there at all. */

import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

import type { Children } from './children.js';
import { seed, type Size } from './sizes.js';

/** What was made. Bytes are those of the files. */
export interface Summary {
  readonly artworks: number;
  readonly rows: number;
  readonly photos: number;
  readonly databaseBytes: number;
  readonly photoBytes: number;
}

export interface Data extends Summary {
  readonly folder: string;
  readonly database: string;
  readonly photosFolder: string;
}

/** Raised whenever the same seed gives other bytes, so that old and new data are never mixed up. */
const edition = 2;

export function files(folder: string): { readonly database: string; readonly photos: string } {
  return { database: join(folder, 'platform.sqlite'), photos: join(folder, 'photos') };
}

/** The data set of this size below `base`, made first when it is not there yet. */
export async function provide(
  base: string,
  size: Size,
  children: Children,
  say: (line: string) => void,
): Promise<Data> {
  const folder = join(base, `artworks-${size.artworks}-edition-${edition}`);
  const made = await summaryOf(folder);
  if (made !== undefined) return data(folder, made);

  say(`making ${folder}`);
  await make(folder, './data/make.js', [size.artworks, size.photos, seed], children);
  return data(folder, (await summaryOf(folder)) ?? missing(folder));
}

/** Lets a program make a folder: it gets its name once it is whole. */
export async function make(
  folder: string,
  program: string,
  numbers: readonly number[],
  children: Children,
): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  const path = fileURLToPath(new URL(program, import.meta.url));
  try {
    await children.run(process.execPath, [path, partial, ...numbers.map(String)]);
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Reads everything once, so that each competitor finds the files in memory. */
export async function warm({ database, photosFolder }: Data, signal: AbortSignal): Promise<void> {
  await readThrough(database, signal);
  for (const entry of await readdir(photosFolder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await readThrough(join(entry.parentPath, entry.name), signal);
  }
}

async function readThrough(path: string, signal: AbortSignal): Promise<void> {
  const options = { highWaterMark: 1 << 20, signal };
  await finished(createReadStream(path, options).resume());
}

async function summaryOf(folder: string): Promise<Summary | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')) as Summary;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function data(folder: string, summary: Summary): Data {
  const { database, photos: photosFolder } = files(folder);
  return { ...summary, folder, database, photosFolder };
}

function missing(folder: string): never {
  throw new Error(`cannot find summary.json in ${folder}, which was just made`);
}
