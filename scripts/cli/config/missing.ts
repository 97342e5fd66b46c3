/** Settings that a source of rows or of photos lacks, told together, each with the places it can come from. */

import { UsageError } from '../errors.js';

export class Missing {
  readonly #for: string;
  readonly #lines: string[] = [];

  /** `by` is what needs the settings. */
  constructor(by: string) {
    this.#for = by;
  }

  /** The value; where there is none, [`fail`](Missing.fail) says so. */
  require(value: string | undefined, what: string, places: readonly string[]): string {
    if (value !== undefined && value !== '') return value;
    this.#lines.push(`${what} (set ${places.join(', ')})`);
    return '';
  }

  /** Fails if anything was missing. */
  fail(): void {
    if (this.#lines.length === 0) return;
    throw new UsageError(
      `${this.#for} is missing ${this.#lines.join('; and ')}; variables may stand in the environment or in .env`,
    );
  }
}
