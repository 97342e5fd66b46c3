/** A database that belongs to another user than the one who backs it up: it stays the other's. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { folder, listing, removeFolders, root } from './support';

const owner = 1000;
const other = 65534;
const mayChangeUser = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;

afterEach(removeFolders);

function as(user: number, command: string, ...args: string[]): string {
  const id = String(user);
  const switches = ['--reuid', id, '--regid', id, '--clear-groups'];
  return execFileSync('setpriv', [...switches, command, ...args], {
    encoding: 'utf8',
    env: { ...process.env, HOME: '/' },
    stdio: 'pipe',
  });
}

/** An idle database in WAL mode, in a folder with these permissions. */
function wal(dir: string, mode: number): { readonly data: string; readonly file: string } {
  const data = join(dir, 'data');
  const out = join(dir, 'out');
  for (const made of [data, out]) {
    mkdirSync(made);
    chmodSync(made, 0o777);
  }
  chmodSync(dir, 0o755);
  const file = join(data, 'app.db');
  as(
    owner,
    'sqlite3',
    file,
    'PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)',
  );
  chownSync(data, owner, owner);
  chmodSync(data, mode);
  return { data, file };
}

function backUp(dir: string, file: string): string {
  const cli = join(root, 'dist', 'cli', 'main.js');
  return as(
    other,
    process.execPath,
    cli,
    'backup',
    '--database-file',
    file,
    '--output-dir',
    join(dir, 'out'),
  );
}

(mayChangeUser ? describe : describe.skip)('a database of another user', () => {
  it('keeps its folder as it was, and its owner may write it', () => {
    const dir = folder();
    const { data, file } = wal(dir, 0o777);
    expect(backUp(dir, file)).toContain('Complete');
    expect(listing(data)).toEqual(['app.db']);
    as(owner, 'sqlite3', file, 'INSERT INTO t VALUES (2)');
  });

  it('is backed up where only its owner may write', () => {
    const dir = folder();
    const { data, file } = wal(dir, 0o755);
    expect(backUp(dir, file)).toContain('Complete');
    expect(listing(data)).toEqual(['app.db']);
  });

  it('is backed up into a folder that takes files and shows none', () => {
    const dir = folder();
    const { file } = wal(dir, 0o755);
    chmodSync(join(dir, 'out'), 0o733);
    expect(backUp(dir, file)).toContain('Complete');
    expect(listing(join(dir, 'out'))).toEqual([expect.stringMatching(/^backup-.*\.zip$/)]);
  });
});
