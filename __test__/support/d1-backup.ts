/** Backups of a D1 double, which closes with its test. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, type BackupResult, createBackup } from '../../index.js';
import { folder, removeFolders } from '../support';
import { account, D1Double, databaseId, type DoubleOptions, token } from './d1';
import { type Failure, failureOf } from './failure';
import { sqlite, tool } from './tools';

const now = '2026-01-02T03:04:05Z';
const opened: D1Double[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close()));
});
afterAll(removeFolders);

export async function double(file: string, options?: DoubleOptions): Promise<D1Double> {
  const made = await new D1Double(file, options).listen();
  opened.push(made);
  return made;
}

/** A database that a script makes. */
export function made(sql: string): string {
  const dir = folder();
  const [file, text] = [join(dir, 'source.sqlite'), join(dir, 'source.sql')];
  writeFileSync(text, sql);
  sqlite(file, `.read ${text}`);
  return file;
}

/** The options of a backup, with `change` in how the database is reached. */
function options(double: D1Double, change: object, outputDir: string): BackupOptions {
  const d1 = { accountId: account, databaseId, apiToken: token, apiUrl: double.apiUrl, ...change };
  return { database: { d1 }, outputDir, now, drill: false };
}

export function backup(double: D1Double): Promise<BackupResult> {
  return createBackup(options(double, {}, folder()));
}

export function script({ path }: BackupResult): string {
  return tool('unzip', ['-p', path, 'database.sql']);
}

export async function byFile(file: string): Promise<string> {
  return script(await createBackup({ database: { file }, outputDir: folder(), now }));
}

/** How a backup of the double fails. */
export function failure(double: D1Double, change = {}): Promise<Failure> {
  return failureOf((outputDir) => createBackup(options(double, change, outputDir)), token);
}

/** Loads what a backup holds, as its README says; the rows that refer to nothing are an error. */
export function restored(result: BackupResult): string {
  const file = join(folder(), 'restored.sqlite');
  tool('sqlite3', [file, 'BEGIN', `.read '|unzip -p ${result.path} database.sql'`, 'COMMIT']);
  expect(sqlite(file, 'PRAGMA foreign_key_check')).toBe('');
  return file;
}
