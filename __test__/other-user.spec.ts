/** A database that belongs to another user than the one who backs it up: it stays the other's. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { cli, database, folder, listing, removeFolders } from './support';

const owner = 1000;
const other = 65534;
const mayChangeUser = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;

afterEach(removeFolders);

/** The switches of setpriv. */
function being(user: number): string[] {
  return ['--reuid', String(user), '--regid', String(user), '--clear-groups'];
}

function as(user: number, command: string, ...args: string[]): string {
  return execFileSync('setpriv', [...being(user), command, ...args], {
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
  const flags = ['--database-file', file, '--output-dir', join(dir, 'out')];
  return as(other, process.execPath, cli, 'backup', ...flags);
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

(mayChangeUser ? it : it.skip).each([
  // The root of a volume on Linux, Windows and macOS.
  ['lost+found', 'Complete:'],
  ['System Volume Information', 'Complete:'],
  ['.Spotlight-V100', 'Complete:'],
  ['originals', 'INCOMPLETE:'],
])('photos beside a folder %s that may not be read are %s', (name, verdict) => {
  const dir = folder();
  const { file } = wal(dir, 0o755);
  const photos = join(dir, 'photos');
  mkdirSync(join(photos, name), { recursive: true });
  chmodSync(join(photos, name), 0o700);
  const flags = ['--database-file', file, '--photos-dir', photos, '--output-dir', join(dir, 'out')];
  const { stdout } = spawnSync(
    'setpriv',
    [...being(other), process.execPath, cli, 'backup', ...flags, '--photo-scope', 'all'],
    { encoding: 'utf8', env: { ...process.env, HOME: '/' } },
  );
  expect(stdout).toMatch(new RegExp(`^${verdict}`, 'm'));
});

(mayChangeUser ? describe : describe.skip)('a folder in the home of another user', () => {
  it.each([
    ['above it', 'shared'],
    ['in it', '.'],
  ])('has no settings %s, and what a command lacks is told', (_, below) => {
    const home = folder();
    const cwd = join(home, below);
    mkdirSync(cwd, { recursive: true });
    chmodSync(cwd, 0o755);
    chmodSync(home, 0o700);
    const args = [...being(other), process.execPath, cli, 'backup', '--remote'];
    const { status, stderr } = spawnSync('setpriv', args, {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/missing the database.*D1_DATABASE_ID/) as string,
    });
  });
});

(mayChangeUser ? describe : describe.skip)('a umask that lets nobody in', () => {
  it('keeps a backup from being made, and no folder stays', () => {
    const dir = folder();
    chmodSync(dir, 0o777);
    const command = [process.execPath, cli, 'backup', '--database-file', database(dir)];
    const script = 'umask 777; exec "$@" --output-dir "$0/out/backups"';
    const args = [...being(other), 'sh', '-c', script, dir, ...command];
    const { status, stderr } = spawnSync('setpriv', args, { encoding: 'utf8' });
    expect(stderr).toContain('code: OUTPUT_UNWRITABLE');
    expect(status).toBe(1);
    expect(listing(dir)).not.toContain('out');
  });
});
