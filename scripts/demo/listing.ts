/** What is inside a ZIP, as a person would want to see it. */

import { text } from 'node:stream/consumers';
import { type Entry, openPromise, type ZipFile } from 'yauzl';

import { count } from '../cli/format.js';

/** Photos named before the rest is only counted. */
const photosNamed = 4;

/** Entries with their sizes, then the beginning of the texts that explain the archive. */
export async function describeArchive(path: string): Promise<string[]> {
  const archive = await openPromise(path, { autoClose: false });
  try {
    const entries: Entry[] = [];
    for await (const entry of archive.eachEntry()) entries.push(entry);
    return [
      ...list(entries),
      ...(await beginning(archive, entries, 'README.md', 14)),
      ...(await beginning(archive, entries, 'metadata.json', 14)),
    ];
  } finally {
    archive.close();
  }
}

function list(entries: readonly Entry[]): string[] {
  const isPhoto = ({ fileName }: Entry): boolean =>
    fileName.startsWith('photos/') && !fileName.endsWith('index.json');
  const photos = entries.filter(isPhoto);
  const shown = [...entries.filter((entry) => !isPhoto(entry)), ...photos.slice(0, photosNamed)];
  const lines = shown.map(
    ({ fileName, uncompressedSize, compressedSize }) =>
      `${count(uncompressedSize).padStart(12)} ${count(compressedSize).padStart(12)}  ${fileName}`,
  );
  const rest = photos.length - photosNamed;
  if (rest > 0) lines.push(`${''.padStart(27)}and ${count(rest)} more photos`);
  return [`${'bytes'.padStart(12)} ${'in the ZIP'.padStart(12)}  entry`, ...lines];
}

async function beginning(
  archive: ZipFile,
  entries: readonly Entry[],
  name: string,
  lines: number,
): Promise<string[]> {
  const entry = entries.find(({ fileName }) => fileName === name);
  if (entry === undefined) return [];
  const content = await text(await archive.openReadStreamPromise(entry));
  const head = content.split('\n').slice(0, lines);
  return ['', `${name} begins:`, ...head.map((line) => `  | ${line.slice(0, 100)}`)];
}
