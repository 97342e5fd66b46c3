/** Where rows go to, and the values that they are made of. */

import type { Random } from '../../demo/random.js';
import { type Row, sqlTime } from '../../demo/rows.js';
import type { Photo } from './photos.js';
import { Words } from './text.js';

/** All rows of one table have the same columns in the same order. */
export type Insert = (table: string, row: Row) => void;

export const minute = 60_000;

const start = Date.UTC(2025, 8, 1, 6);

export class Rows {
  readonly random: Random;
  readonly words: Words;
  readonly insert: Insert;

  constructor(random: Random, insert: Insert) {
    this.random = random;
    this.words = new Words(random);
    this.insert = insert;
  }

  uuid(): string {
    const [a, b, c, d] = [this.#word32(), this.#word32(), this.#word32(), this.#word32()];
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }

  #word32(): string {
    return this.random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }

  /** The archive grows at an even pace: five minutes and a few seconds from one artwork to the next. */
  time(n: number): number {
    return start + n * 307_000;
  }

  stamps(n: number): { readonly created_at: string; readonly updated_at: string } {
    const at = this.time(n);
    return { created_at: sqlTime(at), updated_at: new Date(at + 700 * minute).toISOString() };
  }

  /** From nothing to twice `length`. */
  about(length: number): number {
    return this.random.below(2 * length);
  }

  /** As the platform has written references over time: a key, an address of its own, an object of an import. */
  reference(photo: Photo | undefined, n: number): string | null {
    if (photo === undefined) return n % 2 === 0 ? null : '[]';
    const { key, bytes } = photo.original;
    const url = `https://photos.publicartregistry.com/${key}`;
    if (n % 5 === 1) return JSON.stringify([url]);
    if (n % 5 === 2) {
      const caption = this.words.title();
      return JSON.stringify([{ url, caption, credit: 'City', format: 'jpg', size_bytes: bytes }]);
    }
    return JSON.stringify([key]);
  }
}

/** One after the other, from the first again after the last. */
export function pickFrom(ids: readonly string[], n: number): string {
  return ids[n % ids.length] ?? 'system';
}
