/**
 * `node node-dump.js DATABASE PHOTOS OUTPUT rows|thumbnails`: the dump that one would write in Node with
 * better-sqlite3, JSON, archiver and sharp. Approved rows and their columns, one record at a time; it redacts
 * nothing, writes no documentation and does not look at its archive again.
 */

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { loadSharp, loadSqlite, loadZipArchive, type Sqlite } from '../peers.js';
import { reportUsageAtExit } from '../usage.js';

/** Ids of works by label and value. */
type Labels = Map<string, Map<string, string[]>>;

interface Row {
  readonly [column: string]: unknown;
  readonly id: string;
  readonly photos: string | null;
  readonly tags: string | null;
}

/** Characters of JSON in one piece: what a file stream reads at once. */
const piece = 65_536;
const works = `SELECT a.id, a.title, a.description, a.lat, a.lon, a.tags, a.photos, a.created_at, a.updated_at,
  (SELECT json_group_array(json_object('id', c.id, 'name', c.name, 'role', l.role))
     FROM artwork_artists l JOIN artists c ON c.id = l.artist_id AND c.status = 'approved'
    WHERE l.artwork_id = a.id) AS creators
  FROM artwork a WHERE a.status = 'approved' ORDER BY a.id`;
const linked = `FROM artwork_artists l JOIN artwork a ON a.id = l.artwork_id AND a.status = 'approved'
  JOIN artists c ON c.id = l.artist_id AND c.status = 'approved'`;
const creators = `SELECT DISTINCT c.id, c.name, c.description, c.aliases, c.tags, c.created_at, c.updated_at
  ${linked} ORDER BY c.id`;
const links = `SELECT l.artwork_id, l.artist_id AS creator_id, l.role, l.created_at ${linked} ORDER BY 1, 2`;

const [, , file = '', photos = '', outputDir = '', what] = process.argv;
reportUsageAtExit();
await dump();

async function dump(): Promise<void> {
  const [Database, ZipArchive] = await Promise.all([loadSqlite(), loadZipArchive()]);
  const db = new Database(file, { readonly: true });
  db.exec('BEGIN');
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const written = finished(archive.pipe(createWriteStream(join(outputDir, 'archive.zip'))));
  archive.on('warning', (warning) => archive.destroy(warning as Error));
  const labels: Labels = new Map();
  const put = (name: string, records: Iterable<unknown>): Readable => {
    const text = Readable.from(inPieces(records));
    archive.append(text, { name });
    return text;
  };
  const artwork = put('artwork.json', workRecords(db, labels));
  put('creators.json', rowRecords(db, creators));
  put('artwork_creators.json', rowRecords(db, links));
  // Only then the tags are known.
  await finished(artwork);
  put('tags.json', tagRecords(labels));
  if (what === 'thumbnails') {
    // The rows are read first: only then the keys are known.
    for await (const { name, jpeg } of thumbnails(db)) archive.append(jpeg, { name, store: true });
  }
  await Promise.all([archive.finalize(), written]);
  db.close();
}

function* workRecords(db: Sqlite, labels: Labels): Generator {
  for (const row of db.prepare(works).iterate() as IterableIterator<Row>) {
    const tags = row.tags === null ? {} : tagsOf(row.tags);
    for (const [label, value] of Object.entries(tags)) {
      const values = labels.get(label) ?? new Map<string, string[]>();
      const ids = values.get(String(value)) ?? [];
      ids.push(row.id);
      values.set(String(value), ids);
      labels.set(label, values);
    }
    const list = JSON.parse(row.photos ?? '[]') as unknown[];
    yield {
      ...row,
      tags,
      photos: list.length,
      creators: JSON.parse(String(row['creators'])) as unknown,
    };
  }
}

function tagsOf(text: string): Record<string, unknown> {
  const parsed = JSON.parse(text) as { tags?: Record<string, unknown> };
  return parsed.tags ?? parsed;
}

function* rowRecords(db: Sqlite, query: string): Generator {
  for (const row of db.prepare(query).iterate() as IterableIterator<Record<string, unknown>>) {
    for (const column of ['aliases', 'tags']) {
      const text = row[column];
      if (typeof text === 'string') row[column] = JSON.parse(text) as unknown;
    }
    yield row;
  }
}

function* tagRecords(labels: Labels): Generator {
  for (const label of [...labels.keys()].sort()) {
    const values = labels.get(label) ?? new Map<string, string[]>();
    for (const value of [...values.keys()].sort()) {
      const ids = values.get(value) ?? [];
      yield { label, value, count: ids.length, artwork_ids: ids };
    }
  }
}

function* inPieces(records: Iterable<unknown>): Generator<string> {
  let text = '[';
  let separator = '\n';
  for (const record of records) {
    text += separator + JSON.stringify(record);
    separator = ',\n';
    if (text.length >= piece) {
      yield text;
      text = '';
    }
  }
  yield `${text}\n]\n`;
}

/** All at once: sharp makes as many at a time as it has threads. */
async function* thumbnails(db: Sqlite): AsyncGenerator<{ name: string; jpeg: Buffer }> {
  const sharp = await loadSharp();
  const rows = db
    .prepare("SELECT id, photos FROM artwork WHERE status = 'approved'")
    .all() as Row[];
  const made = rows.flatMap(({ id, photos: list }) =>
    (JSON.parse(list ?? '[]') as string[]).map(async (key, n) => ({
      name: `photos/thumbnails/${id}-${n + 1}.jpg`,
      jpeg: await sharp(join(photos, key))
        .rotate()
        .resize(800, 800, { fit: 'inside', withoutEnlargement: true })
        .jpeg({ quality: 80 })
        .toBuffer(),
    })),
  );
  yield* made;
}
