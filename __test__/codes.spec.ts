/** The README lists every code that a program can meet, and none that there is not. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './support';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What stands in capitals between quotes but is no code of this package. */
const others = new Set(['CARGO_PKG_VERSION', 'OUT_DIR', 'SQLITE_TMPDIR', 'SQLITE_TOOBIG']);

/** The paths of files below a folder, relative to it. */
function filesOf(folder: string, isWanted: (path: string) => boolean): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter(isWanted);
  expect(files).not.toEqual([]);
  return files;
}

/** The codes that Rust files name outside of their tests. */
function named(isWanted: (path: string) => boolean): string[] {
  const files = filesOf('src', (name) => /(?<!tests)\.rs$/.test(name) && isWanted(name));
  const codes = files.flatMap((name) => {
    const [code = ''] = readFileSync(join(root, 'src', name), 'utf8').split('#[cfg(test)]\nmod ');
    // Of one word only where a warning is made: elsewhere that is SQL.
    const quoted = code.matchAll(/(?<=Warning::\w+\(\s*)"[A-Z0-9_]+"|"[A-Z0-9]+(?:_[A-Z0-9]+)+"/g);
    return [...quoted].map(([text]) => text.slice(1, -1));
  });
  return [...new Set(codes)].filter((code) => !others.has(code)).sort();
}

/** The rows of the table whose heading begins like this, as cells. */
function tableOf(heading: string): string[][] {
  const [, table = ''] = readme.split(`\n| ${heading} |`);
  const [rows = ''] = table.split('\n\n');
  return rows
    .split('\n')
    .slice(2)
    .map((row) => row.split('|').slice(1));
}

function codesIn(cell = ''): string[] {
  return cell.match(/[A-Z0-9_]{4,}/g) ?? [];
}

/** The codes in the first column of such a table. */
function listed(heading: string): string[] {
  return tableOf(heading)
    .flatMap(([cell]) => codesIn(cell))
    .sort();
}

it('lists the codes of errors', () => {
  expect(listed('`error.code`')).toEqual(named((path) => path === 'error.rs'));
});

it('has the codes of errors in the admin service, which tells no others', () => {
  const source = readFileSync(join(root, 'admin', 'service', 'codes.ts'), 'utf8');
  const codes = [...source.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code);
  expect(codes.sort()).toEqual(named((path) => path === 'error.rs'));
});

it('lists the words that say why a photo is missing', () => {
  const words = [
    'photos/source/get_error.rs',
    'photos/thumbnail.rs',
    'data_dump/thumbnails.rs',
  ].flatMap((name) => {
    const text = readFileSync(join(root, 'src', name), 'utf8');
    const given = text.matchAll(/(?:=> |Err\(|const (?!FILE)[A-Z]+: &str = )"([a-z_]+)"/g);
    return [...given].map(([, word]) => word);
  });
  const told = tableOf('`reason` of a photo').flatMap(
    ([cell = '']) => cell.match(/[a-z_]+/g) ?? [],
  );
  expect(told.sort()).toEqual([...new Set(words)].sort());
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

it('lists what the admin service and the Worker answer with, and what its jobs end with', () => {
  const answers = tableOf('status').flatMap(([status = '', codes]) =>
    codesIn(codes).map((code) => ({ statuses: status.match(/\d{3}/g) ?? [], code })),
  );
  const sources = filesOf('admin/service', (name) => name.endsWith('.ts')).map((name) =>
    readFileSync(join(root, 'admin/service', name), 'utf8'),
  );
  const given = /\b(?:Problem|refuse)\(\s*(\d{3}),\s*'([A-Z_]+)'|'([A-Z_]+_GENERATION_FAILED)'/g;
  const made = [...sources.join('\n').matchAll(given)].map(([, status, code, ofWaiting]) => ({
    status,
    code: code ?? ofWaiting,
  }));
  const unique = (texts: readonly (string | undefined)[]): unknown => [...new Set(texts)].sort();
  expect(unique(answers.map(({ code }) => code))).toEqual(unique(made.map(({ code }) => code)));
  // A job's error has no status; whoever waits for the job is given one by what went wrong.
  const fixed = answers.filter(({ statuses }) => statuses.length === 1);
  const pairs = made.filter((one) => fixed.some(({ code }) => code === one.code));
  expect(unique(fixed.map(({ statuses, code }) => `${String(statuses[0])} ${code}`))).toEqual(
    unique(pairs.map(({ status, code }) => `${String(status)} ${String(code)}`)),
  );
});
