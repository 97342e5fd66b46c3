/** What the specs share: folders that vanish, databases made on the spot, and the command line as a process. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { full } from './support/random';
import { sqlite } from './support/tools';

export const root = resolve(__dirname, '..');
export const cli = join(root, 'dist', 'cli', 'main.js');

/** The full run makes the jobs that are watched or interrupted ten times as long. */
const scale = full ? 10 : 1;

const folders: string[] = [];

/** An empty folder that is gone after the spec. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cab-spec-'));
  folders.push(path);
  return path;
}

export function removeFolders(): void {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
}

/** Everything below a folder, as relative paths. */
export function listing(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
}

/** A SQLite file with a table of artworks in it. */
export function database(dir: string, artworks = 3): string {
  const path = join(dir, 'archive.sqlite');
  sqlite(
    path,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${artworks})
       INSERT INTO artwork SELECT 'artwork-' || i, hex(randomblob(40)), NULL, 'approved' FROM n`,
  );
  return path;
}

/** A database that takes a while, so that a job on it can be watched and stopped. */
export function largeDatabase(dir: string): string {
  return database(dir, 200_000 * scale);
}

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built command line, without what npm and the surroundings would add to its environment. */
export function start(
  args: readonly string[],
  { cwd, env = {} }: RunOptions,
): ChildProcessWithoutNullStreams {
  const foreign = /^(npm_|BACKUP_|DUMP_|CLOUDFLARE_|D1_|R2_|DEBUG$)/i;
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { ...Object.fromEntries(own), ...env },
  });
}

/** What a started command line says until it ends. */
export function finish(child: ChildProcessWithoutNullStreams): Promise<Run> {
  return new Promise((done, failed) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', failed).on('close', (code) => {
      done({ code, stdout, stderr });
    });
  });
}

export function run(args: readonly string[], options: RunOptions): Promise<Run> {
  return finish(start(args, options));
}

/** The JSON objects on stdout; fails when anything else stands there. */
export function objects({ stdout }: Run): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
