/** The programs that judge: an archive is sound when none of the tools that people have complains. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a program that must succeed; what it printed on stdout. */
export function tool(program: string, args: readonly string[], cwd?: string): string {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  if (error !== undefined) throw new Error(`${program} is needed: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs SQL or dot commands in the `sqlite3` shell. */
export function sqlite(database: string, ...commands: string[]): string {
  return tool('sqlite3', ['-bail', database, ...commands]).trimEnd();
}

/** Has every judge read the whole archive, and checks its comment and SHA256SUMS. Returns where it was unpacked. */
export function judge(archive: string, scratch: string): string {
  accept(archive);
  return unpack(archive, scratch);
}

/** Has every judge read the whole archive where it is, and checks its comment. */
export function accept(archive: string): void {
  verify(archive);
  const seven = tool('7z', ['t', archive]);
  expect(seven).toContain('Everything is Ok');
  expect(seven).not.toContain('WARNING');
  const script =
    'import sys,zipfile; bad = zipfile.ZipFile(sys.argv[1]).testzip(); assert not bad, bad';
  tool('python3', ['-c', script, archive]);
}

/** The quick half of `judge`: every entry's checksum, and that of the file in its comment. */
export function verify(archive: string): void {
  expect(tool('unzip', ['-tqq', archive])).toBe('');
  const comment = `sha256:${'0'.repeat(64)}`.length;
  const end = statSync(archive).size - 22 - comment;
  const hash = createHash('sha256');
  const file = openSync(archive, 'r');
  // In pieces: readFileSync takes 2 GiB at most.
  const piece = Buffer.alloc(1 << 24);
  for (let at = 0; at < end;) {
    const read = readSync(file, piece, 0, Math.min(piece.length, end - at), at);
    hash.update(piece.subarray(0, read));
    at += read;
  }
  readSync(file, piece, 0, 22 + comment, end);
  closeSync(file);
  expect(piece.toString('latin1', 0, 4)).toBe('PK\x05\x06');
  expect(piece.toString('latin1', 22, 22 + comment)).toBe(`sha256:${hash.digest('hex')}`);
}

/** Unpacks an archive into a new folder in `scratch` and checks what came out against SHA256SUMS. */
export function unpack(archive: string, scratch: string): string {
  const folder = join(scratch, `unpacked-${sha256(archive).slice(0, 16)}`);
  mkdirSync(folder);
  tool('unzip', ['-q', archive, '-d', folder]);
  tool('sha256sum', ['--check', '--quiet', '--strict', 'SHA256SUMS'], folder);
  return folder;
}

/** Loads an unpacked archive as its README says. */
export function restore(unpacked: string): string {
  const database = join(unpacked, 'restored.db');
  expect(tool('sqlite3', [database, 'BEGIN', '.read database.sql', 'COMMIT'], unpacked)).toBe('');
  expect(sqlite(database, 'PRAGMA integrity_check')).toBe('ok');
  return database;
}

/** The names of the entries, in their order. */
export function entries(archive: string): string[] {
  return tool('unzip', ['-Z1', archive]).trimEnd().split('\n');
}

/** One entry as text. */
export function entry(archive: string, name: string): string {
  return tool('unzip', ['-p', archive, name]);
}

export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
