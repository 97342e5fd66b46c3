/** Databases to make a data dump of: rows in every shape that is met in the field. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encode } from 'jpeg-js';

import { createDataDump, type DataDumpOptions, type DataDumpResult } from '../../index.js';
import { folder } from '../support';
import { sqlite } from './tools';

export const now = '2026-01-02T03:04:05Z';
export const source = { name: 'A city', url: 'https://art.example/', contact: 'data@art.example' };

/** Rows of the newest schema, one for each shape that is met in the field. */
export const newest = `
INSERT INTO artwork (id, title, description, lat, lon, tags, photos, status, created_at, updated_at) VALUES
 ('a1', 'Heron', 'By the mill.', 49.25, -123.125, '{"artwork_type":"mural","material":["steel","glass"],"size":{"height":2.5,"unit":"m"},"step_free":true}',
  '["originals/2025/09/04/heron.jpg", {"url": "originals/gone.jpg", "credit": "A. Nother"}]', 'approved', '2025-01-02 03:04:05', '1735787045000'),
 ('a2', 'Tides', NULL, 1e999, 2, '["bronze","by hand"]', NULL, 'approved', '2025-01-02T03:04:05.250Z', 'soon'),
 ('a3', NULL, NULL, 3, 4, 'no json', '{"broken', 'approved', '2025-01-02', ''),
 ('osm', 'Fountain', NULL, 5, 6, '{"license":"ODbL-1.0","source":"OpenStreetMap"}', NULL, 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
 ('p1', 'Pending', NULL, 7, 8, '{"only":"pending"}', NULL, 'pending', '2025-01-02 03:04:05', '2025-01-02 03:04:05');
INSERT INTO artists (id, name, description, aliases, tags, status, created_at, updated_at) VALUES
 ('c1', 'Ada Okafor', 'Works in steel.', '["A. O."]', '{"website":"https://ada.example"}', 'active', '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
 ('c2', 'Of nobody', NULL, NULL, NULL, 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
 ('c3', 'Pending', NULL, NULL, NULL, 'pending', '2025-01-02 03:04:05', '2025-01-02 03:04:05');
INSERT INTO artwork_artists (artwork_id, artist_id, role, created_at) VALUES
 ('a1', 'c1', 'primary', '2025-01-02 03:04:05'), ('p1', 'c2', 'primary', '2025-01-02 03:04:05'),
 ('a1', 'c3', 'primary', '2025-01-02 03:04:05'), ('a1', 'nobody', 'primary', '2025-01-02 03:04:05');`;

/** Of the first schema, with the tables of creators that some of its databases have. */
export const oldest = `
CREATE TABLE creators (id TEXT PRIMARY KEY, name TEXT NOT NULL, bio TEXT, created_at TEXT NOT NULL);
CREATE TABLE artwork_creators (id TEXT PRIMARY KEY, artwork_id TEXT, creator_id TEXT, role TEXT, created_at TEXT);
INSERT INTO artwork_types (id, name, description, created_at) VALUES ('t1', 'mural', 'x', '2025-01-02 03:04:05');
INSERT INTO artwork (id, lat, lon, type_id, created_at, status, tags) VALUES
 ('SAMPLE-1', 49.25, -123.125, 't1', '2025-01-02 03:04:05', 'approved', '{"_photos":["originals/2025/09/04/heron.jpg"],"material":"steel"}'),
 ('SAMPLE-2', 1, 2, 't1', '2025-01-02 03:04:05', 'pending', NULL);
INSERT INTO creators (id, name, bio, created_at) VALUES ('c1', 'Ada Okafor', 'Works in steel.', '2025-01-02 03:04:05');
INSERT INTO artwork_creators (id, artwork_id, creator_id, role, created_at) VALUES ('l1', 'SAMPLE-1', 'c1', 'artist', '2025-01-02 03:04:05');
INSERT INTO tags (id, artwork_id, logbook_id, label, value, created_at) VALUES
 ('g1', 'SAMPLE-1', NULL, 'material', 'glass', '2025-01-02 03:04:05'), ('g2', 'SAMPLE-2', NULL, 'material', 'gold', '2025-01-02 03:04:05');`;

export interface Archive {
  readonly dir: string;
  readonly file: string;
}

/** A database with these rows, and a folder with the photo that they name. */
export function archive(schema = 'newest-generation', rows = newest): Archive {
  const dir = folder();
  const file = join(dir, 'archive.sqlite');
  const script = join(dir, 'rows.sql');
  writeFileSync(script, `PRAGMA foreign_keys = OFF;\n${rows}`);
  sqlite(file, `.read ${join(__dirname, '..', 'fixtures', `${schema}.sql`)}`, `.read ${script}`);
  const photo = join(dir, 'photos', 'originals/2025/09/04/heron.jpg');
  mkdirSync(dirname(photo), { recursive: true });
  const pixels = Buffer.alloc(1000 * 500 * 4, 0x90);
  writeFileSync(photo, encode({ data: pixels, width: 1000, height: 500 }, 90).data);
  return { dir, file };
}

export function dump(
  { dir, file }: Archive,
  options: Partial<DataDumpOptions> = {},
): Promise<DataDumpResult> {
  return createDataDump({
    database: { file },
    photos: { directory: join(dir, 'photos') },
    outputDir: join(dir, 'out'),
    now,
    source,
    ...options,
  });
}
