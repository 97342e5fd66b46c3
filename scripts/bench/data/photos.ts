/** Photo files as the platform names them, with bytes that no compressor can shorten. */

import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Random } from '../../demo/random.js';

interface PhotoFile {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

export interface Photo {
  readonly original: PhotoFile;
  readonly variant: PhotoFile | undefined;
}

const firstUpload = Date.UTC(2025, 8, 1, 6);
/** Apart by a little more than an hour: seven thousand uploads fill most of a year. */
const between = 4_241_000;
/** With three originals to two variants, 131 kB on average. */
const originalBytes = 182_000;
const variantBytes = 55_000;

/** `count` files, of which three in five are originals and the rest variants of them. */
export function planPhotos(count: number, random: Random): Photo[] {
  return Array.from({ length: (count * 3) / 5 }, (_, n) => {
    const modified = new Date(firstUpload + n * between);
    const iso = modified.toISOString();
    const folder = iso.slice(0, 10).replaceAll('-', '/');
    const stamp = iso.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
    const name = `${folder}/${stamp}-${random.hex(8)}-img${random.below(10_000)}`;
    const around = (bytes: number): number => Math.round(bytes * (0.5 + random.next()));
    const file = (key: string, bytes: number): PhotoFile => ({
      key,
      bytes: around(bytes),
      modified,
    });
    return {
      original: file(`originals/${name}.jpg`, originalBytes),
      variant: n % 3 === 2 ? undefined : file(`artworks/${name}__400x400.jpg`, variantBytes),
    };
  });
}

/** Writes every file below `folder`; returns how many bytes they have. */
export function writePhotos(
  photos: readonly Photo[],
  folder: string,
  seed: number,
  onProgress: (done: number) => void,
): number {
  const files = photos.flatMap(({ original, variant }) =>
    variant === undefined ? [original] : [original, variant],
  );
  const noise = keystream(seed, Math.max(...files.map(({ bytes }) => bytes)));
  let total = 0;
  for (const [n, { key, bytes, modified }] of files.entries()) {
    const path = join(folder, ...key.split('/'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, noise(bytes));
    utimesSync(path, modified, modified);
    total += bytes;
    onProgress(n + 1);
  }
  return total;
}

/** Seeded noise at the speed of AES: each call goes on where the last one stopped. */
function keystream(seed: number, longest: number): (bytes: number) => Buffer {
  const key = createHash('sha256').update(`photos ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(longest);
  return (bytes) => cipher.update(zeros.subarray(0, bytes));
}
