/** The lines in which every command says what came of it: a label each, and no more of them than a screen holds. */

import type { Warning } from '../../index.js';
import { count } from './format.js';

export type Row = readonly [label: string, text: string];

export function labelled([label, text]: Row): string {
  return `  ${label.padEnd(10)}  ${text}`;
}

/** A row for each warning or problem, at most so many, and one that counts the others. */
export function remarks(
  label: string,
  warnings: readonly Warning[],
  most = Number.POSITIVE_INFINITY,
): Row[] {
  const rows = warnings
    .slice(0, most)
    .map(({ code, message, subject }): Row => [
      label,
      `${code}${subject === undefined ? '' : ` ${subject}`}: ${message}`,
    ]);
  const more = warnings.length - rows.length;
  return more > 0 ? [...rows, [label, `and ${count(more)} more`]] : rows;
}

/** `a, b and 3 more`: at most so many of them by name. */
export function listed(names: readonly string[], most: number, unlisted = 0): string {
  const more = Math.max(names.length - most, 0) + unlisted;
  const rest = more > 0 ? ` and ${count(more)} more` : '';
  return `${names.slice(0, most).join(', ')}${rest}`;
}
