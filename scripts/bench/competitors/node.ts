/**
 * `node node.js DATABASE PHOTOS OUTPUT`: the backup that one would write in Node with better-sqlite3 and archiver.
 * Nothing is held in memory as a whole: rows are iterated within one read transaction, SQLite itself writes the
 * literals, and lines reach the archive in pieces, since a stream event per row would only be slower.
 */

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { loadSqlite, loadZipArchive, type Sqlite } from '../peers.js';
import { reportUsageAtExit } from '../usage.js';

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** Characters of SQL in one piece: what a file stream reads at once. */
const piece = 65_536;

const [, , file = '', photos = '', outputDir = ''] = process.argv;
reportUsageAtExit();
await backUp();

async function backUp(): Promise<void> {
  const [Database, ZipArchive] = await Promise.all([loadSqlite(), loadZipArchive()]);
  const db = new Database(file, { readonly: true });
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const written = finished(archive.pipe(createWriteStream(join(outputDir, 'archive.zip'))));
  archive.on('warning', (warning) => archive.destroy(warning as Error));
  archive.append(Readable.from(inPieces(dump(db))), { name: 'database.sql' });
  archive.directory(photos, 'photos', (entry) => ({ ...entry, store: true }));
  await Promise.all([archive.finalize(), written]);
  db.close();
}

function* inPieces(lines: Iterable<string>): Generator<string> {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length >= piece) {
      yield text;
      text = '';
    }
  }
  yield text;
}

function* dump(db: Sqlite): Generator<string> {
  db.exec('BEGIN');
  yield 'PRAGMA foreign_keys=OFF;';
  yield 'BEGIN TRANSACTION;';
  const schema = db
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .all() as SchemaRow[];
  for (const { name, sql } of schema.filter(({ type }) => type === 'table')) {
    yield `${sql};`;
    yield* inserts(db, name);
  }
  yield 'DELETE FROM sqlite_sequence;';
  yield* inserts(db, 'sqlite_sequence');
  for (const { sql } of schema.filter(({ type }) => type !== 'table')) yield `${sql};`;
  yield 'COMMIT;';
  db.exec('COMMIT');
}

function* inserts(db: Sqlite, table: string): Generator<string> {
  const columns = db
    .prepare(`SELECT name FROM pragma_table_info(${literal(table)})`)
    .pluck()
    .all();
  const values = (columns as string[]).map((column) => `quote(${identifier(column)})`);
  const start = literal(`INSERT INTO ${identifier(table)} VALUES(`);
  const rows = db.prepare(
    `SELECT ${start} || ${values.join(" || ',' || ")} || ');' FROM ${identifier(table)}`,
  );
  yield* rows.pluck().iterate() as IterableIterator<string>;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
