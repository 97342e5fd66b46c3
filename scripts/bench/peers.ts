/**
 * What scripts/bench/package.json brings in: as much of its types as is used here, and its installation. It is kept
 * away from the package's own dependencies, so that nobody compiles SQLite twice to make a backup.
 */

import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Readable } from 'node:stream';

import type { Children } from './children.js';

export interface Statement {
  run(...values: unknown[]): unknown;
  all(): unknown[];
  iterate(): IterableIterator<unknown>;
  pluck(): this;
}

export interface Sqlite {
  prepare(sql: string): Statement;
  exec(sql: string): this;
  pragma(sql: string): unknown;
  close(): void;
}

export type SqliteConstructor = new (file: string, options?: { readonly?: boolean }) => Sqlite;

export interface ZipArchive extends Readable {
  append(source: Readable | Buffer, entry: { name: string; store?: boolean }): this;
  directory(folder: string, name: string, change: (entry: object) => object): this;
  finalize(): Promise<void>;
}

export type ZipArchiveConstructor = new (options: { zlib: { level: number } }) => ZipArchive;

// The same from scripts/bench and from dist/bench.
const manifest = new URL('../../scripts/bench/package.json', import.meta.url);
const peer = createRequire(manifest);

export async function loadSqlite(): Promise<SqliteConstructor> {
  const module = (await load('better-sqlite3')) as { default: SqliteConstructor };
  return module.default;
}

export async function loadZipArchive(): Promise<ZipArchiveConstructor> {
  const module = (await load('archiver')) as { ZipArchive: ZipArchiveConstructor };
  return module.ZipArchive;
}

export interface Sharp {
  rotate(): this;
  resize(width: number, height: number, options: object): this;
  jpeg(options: { quality: number }): this;
  toBuffer(): Promise<Buffer>;
}

export type SharpFunction = (input: string | Buffer, options?: object) => Sharp;

export async function loadSharp(): Promise<SharpFunction> {
  const module = (await load('sharp')) as { default: SharpFunction };
  return module.default;
}

/** `better-sqlite3 12.6.2` */
export function versionOf(name: 'better-sqlite3' | 'archiver' | 'sharp'): string {
  const { dependencies } = peer(fileURLToPath(manifest)) as {
    dependencies: Record<string, string>;
  };
  return `${name} ${dependencies[name] ?? ''}`;
}

/** Installs what is missing; the first time SQLite may be compiled, which takes a minute. */
export async function install(children: Children, say: (line: string) => void): Promise<void> {
  if (await works()) return;
  const cwd = fileURLToPath(new URL('.', manifest));
  say(`installing what is compared with: npm ci --prefix ${cwd}`);
  // On Windows npm is a batch file, which only a shell can start.
  await children.run('npm', ['ci'], { cwd, shell: process.platform === 'win32' });
  if (!(await works())) {
    throw new Error(
      `cannot load better-sqlite3, archiver and sharp after their installation: read what \`npm ci --prefix ${cwd}\` says`,
    );
  }
}

async function works(): Promise<boolean> {
  try {
    const Database = await loadSqlite();
    new Database(':memory:').close();
    await loadZipArchive();
    await loadSharp();
    return true;
  } catch {
    return false;
  }
}

async function load(name: string): Promise<unknown> {
  return import(pathToFileURL(peer.resolve(name)).href);
}
