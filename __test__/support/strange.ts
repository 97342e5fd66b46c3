/** Names that need quoting, and schemas that nobody has had. */

import { random } from './random';

/** A name for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Names, types and contents that no schema has had; the same for the same seed. */
export class Strange {
  readonly #random: () => number;

  constructor(start: number) {
    this.#random = random(start);
  }

  #pick(from: readonly string[]): string {
    return from[Math.floor(this.#random() * from.length)] ?? '';
  }

  /** Up to so many, at least one. Each has a part that stands nowhere else. */
  names(most: number): string[] {
    const odd = ['email', 'Owner ID', 'notes', 'title', '_photos', 'naïve', 'адрес', 'select'];
    const marks = ['', ' ', '"', "'", '%41', '-', '[', ']', '`', '\\'];
    return Array.from({ length: 1 + Math.floor(this.#random() * most) }, () => {
      const unique = Math.floor(this.#random() * 2 ** 48)
        .toString(36)
        .padStart(10, 'z');
      const name = [this.#pick(odd), this.#pick(marks), unique].join('');
      return this.#random() < 0.3 ? name.toUpperCase() : name;
    });
  }

  addition(table: string, column: string): string {
    return `ALTER TABLE "${table}" ADD COLUMN ${quoted(column)} ${this.#type()};`;
  }

  table(name: string, columns: readonly string[]): string {
    const keyed = this.#random() < 0.4;
    const type = (at: number): string => (keyed && at === 0 ? 'TEXT' : this.#type());
    const list = columns.map((column, at) => `${quoted(column)} ${type(at)}`);
    const key = keyed ? `, PRIMARY KEY (${quoted(columns[0] ?? '')})` : '';
    return `CREATE TABLE ${quoted(name)} (${list.join(', ')}${key})${keyed ? ' WITHOUT ROWID' : ''};`;
  }

  #type(): string {
    return this.#pick(['', 'TEXT', 'VARCHAR(20)', 'INTEGER', 'REAL', 'BLOB', 'JSON', 'NUMERIC']);
  }

  /** The secret, alone or deep in something. */
  content(secret: string): string {
    return this.#pick([
      secret,
      `see ${secret}`,
      JSON.stringify({ tags: { deep: [secret] } }),
      JSON.stringify([secret]),
      `https://example.org/?q=${secret}`,
    ]);
  }
}
