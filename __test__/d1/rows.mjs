// Reads rows inside workerd so that nothing is lost on the way out: D1 answers in JSON, which knows neither blobs nor
// integers beyond 2^53 nor infinities nor the sign of a zero.

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';

// Two result columns per column, and D1 takes 100.
const COLUMNS_AT_ONCE = 49;
const LARGEST = '1.7976931348623157e308';

/** Two result columns: the storage class of `column`, and its value in a form that survives JSON. */
function exactly(column) {
  return `typeof(${column}), CASE typeof(${column})
    WHEN 'text' THEN CAST(${column} AS BLOB) WHEN 'integer' THEN CAST(${column} AS TEXT)
    WHEN 'real' THEN CASE WHEN ${column} > ${LARGEST} THEN 'Infinity' WHEN ${column} < -${LARGEST} THEN '-Infinity'
      WHEN ${column} = 0 AND atan2(${column}, -1) < 0 THEN '-0' ELSE ${column} END
    ELSE ${column} END`;
}

/** The same line for a cell as `canonical` in __test__/engine/contents.rs writes. */
function canonical(storageClass, value) {
  switch (storageClass) {
    case 'null':
      return 'n';
    case 'integer':
      return `i:${value}`;
    case 'real': {
      const bits = Buffer.alloc(8);
      bits.writeDoubleBE(Number(value));
      return `r:${bits.toString('hex')}`;
    }
    default: {
      const bytes = Buffer.from(value);
      const letter = storageClass === 'text' ? 't' : 'b';
      return bytes.length <= 200
        ? `${letter}:${bytes.toString('hex')}`
        : `${letter}#${bytes.length}:${createHash('sha256').update(bytes).digest('hex')}`;
    }
  }
}

/** Every row of `from` as one line of canonical cells, in the order of a scan. */
export async function readRows(db, columns, from) {
  const lines = [];
  for (let start = 0; start < columns.length; start += COLUMNS_AT_ONCE) {
    const chosen = columns.slice(start, start + COLUMNS_AT_ONCE);
    const rows = await db.prepare(`SELECT ${chosen.map(exactly).join(', ')} FROM ${from}`).raw();
    rows.forEach((row, at) => {
      const cells = chosen.map((_, column) => canonical(row[2 * column], row[2 * column + 1]));
      (lines[at] ??= []).push(...cells);
    });
  }
  return lines.map((cells) => cells.join(' '));
}
