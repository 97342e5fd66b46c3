/**
 * Two small archives of public art, in the shapes of the platform's first and newest schema, and the photos that
 * their rows refer to in every way that counts. Names and places are made up.
 */

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sqlite } from './tools';

const own = 'https://photos.publicartregistry.com';
/** Works of the newer archive, by what becomes of their photos. */
export const works = {
  heron: 'a0000000-0000-4000-8000-000000000001',
  tides: 'a0000000-0000-4000-8000-000000000002',
  pending: 'a0000000-0000-4000-8000-000000000003',
  rejected: 'a0000000-0000-4000-8000-000000000004',
  lost: 'a0000000-0000-4000-8000-000000000005',
} as const;

/** Keys that a backup of the newer archive holds, in its order. */
export const approved = {
  originals: [
    'originals/2025/09/04/heron.jpg',
    'originals/2025/09/05/tides at dusk.png',
    'originals/2025/09/06/visit.jpg',
    'originals/2025/09/07/sculptor.webp',
  ],
  variants: ['artworks/2025/09/04/heron__1024x1024.jpg', 'artworks/2025/09/04/heron__400x400.jpg'],
} as const;

/** Keys that no approved row refers to. */
export const others = [
  'artworks/2025/09/08/pending__400x400.jpg',
  'originals/2025/09/08/pending.jpg',
  'originals/2025/09/08/rejected.jpg',
  'originals/2025/09/08/unseen visit.jpg',
] as const;

/** The newest schema, cut down to what rows and photos need. */
export function newer(
  dir: string,
  lost: readonly string[] = ['originals/2024/01/01/lost.jpg'],
): string {
  const refer = (...photos: unknown[]): string => JSON.stringify(photos).replaceAll("'", "''");
  const work = (id: string, status: string, photos: string | null): string =>
    `('${id}', 'It''s a work', 'By the mill.\nStep free. 🎨', 49.2827291, -123.1207375,
      '{"artwork_type":"mural"}', ${photos === null ? 'NULL' : `'${photos}'`}, '${status}')`;
  const path = join(dir, 'newer.sqlite');
  sqlite(
    path,
    `CREATE TABLE "artwork" (id TEXT PRIMARY KEY CHECK (length(id) = 36), title TEXT, description TEXT,
       lat REAL NOT NULL, lon REAL NOT NULL, tags TEXT, photos TEXT,
       status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')));
     CREATE TABLE artists (id TEXT PRIMARY KEY, name TEXT NOT NULL, photos TEXT, status TEXT NOT NULL);
     CREATE TABLE artwork_artists (artwork_id TEXT NOT NULL REFERENCES artwork (id) ON DELETE CASCADE,
       artist_id TEXT NOT NULL REFERENCES artists (id) ON DELETE CASCADE, PRIMARY KEY (artwork_id, artist_id));
     CREATE TABLE submissions (id TEXT PRIMARY KEY, submission_type TEXT NOT NULL, user_token TEXT NOT NULL,
       artwork_id TEXT REFERENCES artwork (id) ON DELETE CASCADE, photos TEXT, status TEXT NOT NULL);
     CREATE TABLE user_permissions (id INTEGER PRIMARY KEY AUTOINCREMENT, user_token TEXT NOT NULL);
     CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
     CREATE INDEX artwork_by_type ON artwork (json_extract(tags, '$.artwork_type'));
     CREATE UNIQUE INDEX pending_once ON submissions (user_token, artwork_id) WHERE status = 'pending';
     INSERT INTO artwork VALUES
       ${work(works.heron, 'approved', refer(approved.originals[0]))},
       ${work(
         works.tides,
         'approved',
         refer(
           { url: `${own}/${encodeURI(approved.originals[1])}`, caption: 'At dusk' },
           'https://opendata.example.net/fountain.jpg',
         ),
       )},
       ${work(works.pending, 'pending', refer('originals/2025/09/08/pending.jpg'))},
       ${work(works.rejected, 'rejected', refer('originals/2025/09/08/rejected.jpg'))},
       ${work(works.lost, 'approved', refer(...lost))};
     INSERT INTO artists VALUES ('s1', 'Núñez', '${refer(approved.originals[3])}', 'approved');
     INSERT INTO artwork_artists VALUES ('${works.heron}', 's1');
     INSERT INTO submissions VALUES
       ('v1', 'logbook_entry', 'u1', '${works.heron}', '${refer(approved.originals[2])}', 'approved'),
       ('v2', 'logbook_entry', 'u1', '${works.heron}', '${refer(others[3])}', 'pending');
     INSERT INTO user_permissions VALUES (7, 'u1');
     DELETE FROM user_permissions;
     INSERT INTO _cf_KV VALUES ('D1''s own', x'00');`,
  );
  return path;
}

/** The first schema: no title, photos in tags, entries in a log book. */
export function older(dir: string): string {
  const path = join(dir, 'older.sqlite');
  sqlite(
    path,
    `CREATE TABLE artwork_types (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
     CREATE TABLE artwork (id TEXT PRIMARY KEY, lat REAL NOT NULL, lon REAL NOT NULL,
       type_id TEXT NOT NULL REFERENCES artwork_types (id), tags TEXT, -- JSON
       status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'removed')));
     CREATE TABLE logbook (id TEXT PRIMARY KEY, artwork_id TEXT REFERENCES artwork (id) ON DELETE CASCADE,
       user_token TEXT NOT NULL, note TEXT, photos TEXT, status TEXT NOT NULL DEFAULT 'pending');
     CREATE TABLE user_permissions (id TEXT PRIMARY KEY, user_uuid TEXT NOT NULL, is_active INTEGER);
     CREATE UNIQUE INDEX active_permissions ON user_permissions (user_uuid) WHERE is_active = 1;
     INSERT INTO artwork_types VALUES ('mural', 'Mural');
     INSERT INTO artwork VALUES
       ('work-001', 49.1, -123.0, 'mural', '{"_photos":["originals/2025/09/04/heron.jpg"]}', 'approved'),
       ('work-002', 49.2, -123.1, 'mural', '{"tags":{"_photos":["originals/2025/09/08/rejected.jpg"]}}', 'removed'),
       ('work-003', 49.3, -123.2, 'mural', '["street-art"]', 'pending');
     INSERT INTO logbook VALUES
       ('e1', 'work-001', 'u1', 'Seen', '["originals/2025/09/06/visit.jpg"]', 'approved'),
       ('e2', 'work-001', 'u1', 'Seen', '["originals/2025/09/08/unseen visit.jpg"]', 'pending');`,
  );
  return path;
}

/** A folder with every photo of both archives. */
export function photos(dir: string): string {
  const folder = join(dir, 'photos');
  for (const key of [...approved.originals, ...approved.variants, ...others]) photo(folder, key);
  photo(folder, 'public-data-dumps/datadump-2025-09-09.zip');
  return folder;
}

/** One file of a folder of photos, with a date of its own. */
export function photo(
  folder: string,
  key: string,
  bytes: string | Buffer = `photo ${key}`,
): string {
  const path = join(folder, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const modified = new Date('2025-09-10T11:12:13Z');
  utimesSync(path, modified, modified);
  return path;
}
