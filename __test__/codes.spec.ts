/** The README lists every code that a program can meet, and none that there is not. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './support';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What stands in capitals between quotes but is no code of this package. */
const others = new Set(['CARGO_PKG_VERSION', 'OUT_DIR', 'SQLITE_TOOBIG']);

/** The codes that Rust files name outside of their tests. */
function named(isWanted: (path: string) => boolean): string[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /(?<!tests)\.rs$/.test(name) && isWanted(name));
  expect(files).not.toEqual([]);
  const codes = files.flatMap((name) => {
    const [code = ''] = readFileSync(join(root, 'src', name), 'utf8').split('#[cfg(test)]\nmod ');
    // Of one word only where a warning is made: elsewhere that is SQL.
    const quoted = code.matchAll(/(?<=Warning::\w+\(\s*)"[A-Z0-9_]+"|"[A-Z0-9]+(?:_[A-Z0-9]+)+"/g);
    return [...quoted].map(([text]) => text.slice(1, -1));
  });
  return [...new Set(codes)].filter((code) => !others.has(code)).sort();
}

/** The codes in the first column of the table whose heading begins like this. */
function listed(heading: string): string[] {
  const [, table = ''] = readme.split(`\n| ${heading} |`);
  const [rows = ''] = table.split('\n\n');
  const cells = rows.split('\n').map((row) => row.split('|')[1] ?? '');
  return cells.flatMap((cell) => cell.match(/[A-Z0-9_]{4,}/g) ?? []).sort();
}

it('lists the codes of errors', () => {
  expect(listed('`error.code`')).toEqual(named((path) => path === 'error.rs'));
});

it('lists the codes of warnings', () => {
  const apart = named((path) => path === 'error.rs' || path === 'verify/problems.rs');
  const codes = named((path) => !path.startsWith('verify/'));
  expect(listed('`code` of a warning')).toEqual(codes.filter((code) => !apart.includes(code)));
});

it('tells the codes of what verify finds', () => {
  const [, section = ''] = readme.split('\n## Verify an archive\n');
  const [text = ''] = section.split('\n## ');
  const codes = [...text.matchAll(/`([A-Z]+_[A-Z]+)`/g)].map(([, code = '']) => code);
  expect(codes).toEqual(expect.arrayContaining(named((path) => path === 'verify/problems.rs')));
});
