/** What a backup of the platform's databases holds, as the tools that people have see it. */

import { join } from 'node:path';

import {
  type BackupMetadata,
  type BackupOptions,
  type BackupResult,
  createBackup,
} from '../index.js';
import { folder, removeFolders } from './support';
import { approved, newer, older, others, photos, works } from './support/platform';
import { entries, entry, judge, restore, sha256, sqlite, tool } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';

interface IndexEntry {
  readonly key: string;
  readonly path: string;
  readonly artwork_ids: readonly string[];
}

function index(archive: string): IndexEntry[] {
  return JSON.parse(entry(archive, 'photos/index.json')) as IndexEntry[];
}

function metadataOf(archive: string): BackupMetadata {
  return JSON.parse(entry(archive, 'metadata.json')) as BackupMetadata;
}

function keys(archive: string): string[] {
  return index(archive).map(({ key }) => key);
}

function backup(dir: string, options: Partial<BackupOptions> = {}): Promise<BackupResult> {
  const outputDir = join(dir, 'out');
  return createBackup({
    database: { file: join(dir, 'newer.sqlite') },
    outputDir,
    now,
    ...options,
  });
}

function codes({ warnings }: BackupResult): string[] {
  return warnings.map(({ code }) => code);
}

describe('a backup of the newest schema', () => {
  let dir: string;
  let result: BackupResult;

  beforeEach(async () => {
    dir = folder();
    newer(dir);
    result = await backup(dir, { photos: { directory: photos(dir) } });
  });

  it('holds its entries in a fixed order, and every tool is content with it', () => {
    expect(entries(result.path)).toEqual([
      'database.sql',
      ...approved.originals.map((key) => `photos/originals/${key}`),
      ...approved.variants.map((key) => `photos/thumbnails/${key}`),
      'photos/index.json',
      'metadata.json',
      'README.md',
      'SHA256SUMS',
    ]);
    const unpacked = judge(result.path, dir);
    expect(sha256(result.path)).toBe(result.sha256);
    const restored = restore(unpacked);
    sqlite(join(dir, 'newer.sqlite'), 'DROP TABLE _cf_KV');
    expect(sqlite(restored, '.sha3sum --sha3-256')).toBe(
      sqlite(join(dir, 'newer.sqlite'), '.sha3sum --sha3-256'),
    );
    expect(sqlite(restored, 'SELECT * FROM sqlite_sequence')).toBe('user_permissions|7');
    expect(
      sqlite(restored, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql > ''"),
    ).toBe('2');
  });

  it('describes itself in metadata.json, in the documented order', () => {
    const metadata = metadataOf(result.path);
    expect(metadata).toStrictEqual(result.metadata);
    const table = (name: string, rows: number): unknown => ({
      name,
      rows,
      digest: expect.stringMatching(/^blake3:[0-9a-f]{64}$/) as unknown,
    });
    const bytes =
      [...approved.originals, ...approved.variants].join('').length + 6 * 'photo '.length;
    const { warnings, database: rows, ...rest } = metadata;
    expect(JSON.stringify(rest)).toBe(
      JSON.stringify({
        format: 'cultural-archiver-backup',
        format_version: '1.0',
        created_at: now,
        generator: '@cultural-archiver/backup 0.1.0',
        source: { database: 'file', photos: 'directory' },
        complete: true,
        photos: {
          scope: 'approved',
          originals: 4,
          thumbnails: 2,
          bytes,
          missing: [],
          foreign: 1,
          dangling: 1,
        },
        not_included: [
          '1 file below public-data-dumps/',
          'photos of 1 pending artwork',
          'photos of 1 rejected artwork',
          'photos of 1 pending log entry',
          'Workers KV',
        ],
        drill: {
          loaded: true,
          tables: 6,
          rows: 10,
          integrity_check: 'ok',
          foreign_key_problems: 0,
        },
      }),
    );
    expect(Object.keys(metadata).join()).toBe(
      'format,format_version,created_at,generator,source,complete,database,photos,not_included,drill,warnings',
    );
    expect(Object.keys(rows).join()).toBe('tables,total_rows,sql_bytes,left_out,in_extra');
    expect(rows).toMatchObject({
      tables: [
        table('artwork', 5),
        table('artists', 1),
        table('artwork_artists', 1),
        table('submissions', 2),
        table('user_permissions', 0),
        table('sqlite_sequence', 1),
      ],
      total_rows: 10,
      sql_bytes: Buffer.byteLength(entry(result.path, 'database.sql')),
      left_out: ['_cf_KV'],
      in_extra: [],
    });
    expect(warnings.map(({ code }) => code)).toEqual(['PHOTO_DANGLING', 'PHOTO_FOREIGN']);
    expect(warnings[0]?.message).toContain('originals/2024/01/01/lost.jpg');
    expect(warnings[1]?.message).toContain('opendata.example.net');
  });

  it('lists its photos in photos/index.json, with the artworks that show them', () => {
    const found = index(result.path);
    expect(found.map(({ key }) => key)).toEqual([...approved.originals, ...approved.variants]);
    expect(JSON.stringify(found[1])).toBe(
      JSON.stringify({
        key: approved.originals[1],
        path: `photos/originals/${approved.originals[1]}`,
        size: `photo ${approved.originals[1]}`.length,
        sha256: sha256(join(dir, 'photos', approved.originals[1])),
        etag: null,
        last_modified: '2025-09-10T11:12:13Z',
        content_type: 'image/png',
        http_metadata: {},
        custom_metadata: {},
        artwork_ids: [works.tides],
      }),
    );
    expect(found.map(({ artwork_ids: ids }) => ids.join())).toEqual([
      works.heron,
      works.tides,
      works.heron,
      '',
      works.heron,
      works.heron,
    ]);
  });

  it('says in its README what is in it and what is not, and how to get it back', () => {
    const readme = entry(result.path, 'README.md');
    const { total_rows: rows, sql_bytes: bytes } = result.metadata.database;
    for (const said of [
      `# ${result.filename}`,
      `6 tables, ${rows} rows, ${bytes} bytes of SQL`,
      '| photos/originals/ | 4 photos',
      '| photos/thumbnails/ | 2 smaller copies',
      `The photos have ${result.metadata.photos.bytes} bytes together.`,
      'umask 077',
      `unzip -q ${result.filename}`,
      'sqlite3 restored.db ".dbconfig dqs_ddl on" ".dbconfig dqs_dml on" "BEGIN" ".read database.sql" "COMMIT"',
      // By then its reader is in the folder that was unpacked beside it.
      `restore ../${result.filename} --account-id`,
      // From the root on: rclone would pass over every other folder of that name, too.
      'rclone copy photos/originals r2:BUCKET --exclude "/_/**" --metadata',
      'rclone copy photos/thumbnails r2:BUCKET --exclude "/_/**" --metadata',
      '- photos of 1 pending artwork',
      '- 1 photo that rows show from other hosts',
      '- 1 photo that rows name and the store does not have',
      '- Workers KV',
      '_cf_KV',
      'PHOTO_DANGLING: ',
    ]) {
      expect(readme).toContain(said);
    }
    expect(readme).not.toContain(dir);
  });

  it("takes the whole bucket but the public dumps with photoScope 'all'", async () => {
    const all = await backup(dir, {
      photos: { directory: join(dir, 'photos') },
      photoScope: 'all',
      overwrite: true,
    });
    expect(keys(all.path).sort()).toEqual(
      [...approved.originals, ...approved.variants, ...others].sort(),
    );
    expect(all.metadata.photos).toMatchObject({ scope: 'all', originals: 7, thumbnails: 3 });
    expect(all.metadata.not_included).toEqual(['1 file below public-data-dumps/', 'Workers KV']);
    judge(all.path, dir);
  });
});

describe('a backup of another shape', () => {
  it('reads the first schema, which keeps photos in tags and in the log book', async () => {
    const dir = folder();
    const result = await backup(dir, {
      database: { file: older(dir) },
      photos: { directory: photos(dir) },
    });
    expect(index(result.path).map(({ key, artwork_ids: ids }) => [key, ids.join()])).toEqual([
      [approved.originals[0], 'work-001'],
      [approved.originals[2], 'work-001'],
      [approved.variants[0], 'work-001'],
      [approved.variants[1], 'work-001'],
    ]);
    expect(codes(result)).toEqual([]);
    expect(result.metadata.not_included).toEqual([
      '1 file below public-data-dumps/',
      'photos of 1 removed artwork',
      'photos of 1 pending log entry',
      'Workers KV',
    ]);
    const restored = restore(judge(result.path, dir));
    expect(sqlite(restored, '.sha3sum')).toBe(sqlite(join(dir, 'older.sqlite'), '.sha3sum'));
  });

  it('takes the rows of a database that is not the platform’s', async () => {
    const dir = folder();
    const file = join(dir, 'books.sqlite');
    sqlite(file, "CREATE TABLE book (title TEXT); INSERT INTO book VALUES ('Tides')");
    const result = await backup(dir, { database: { file }, photos: { directory: photos(dir) } });
    expect(codes(result)).toEqual(['NOT_PLATFORM']);
    expect(result.metadata).toMatchObject({ complete: true, database: { total_rows: 1 } });
    expect(index(result.path)).toEqual([]);
    expect(sqlite(restore(judge(result.path, dir)), 'SELECT title FROM book')).toBe('Tides');
  });

  it('is loaded by the commands of its README in a shell that takes no text in double quotes', async () => {
    const dir = folder();
    const file = join(dir, 'quotes.sqlite');
    const columns = Array.from({ length: 101 }, (_, nth) => `c${String(nth)}`).join(', ');
    sqlite(
      file,
      `CREATE TABLE work (id INTEGER PRIMARY KEY, title, status TEXT CHECK (status IN ("pending", "approved")));
       INSERT INTO work VALUES (1, 'Tides', 'approved'), (2, 'Secret', 'pending');
       CREATE INDEX shown ON work (title) WHERE status = "approved";
       CREATE VIEW approved AS SELECT id, title FROM work WHERE status = "approved";
       CREATE VIRTUAL TABLE found USING fts5 (title, content = 'approved', content_rowid = 'id');
       INSERT INTO found (found) VALUES ('rebuild');
       CREATE TABLE wide (${columns} CHECK (c1 <> "none")); INSERT INTO wide (c1) VALUES ('some');`,
    );
    const result = await backup(dir, { database: { file } });
    const told = result.warnings.filter(({ code }) => code === 'SCHEMA_QUOTES');
    expect(told.map(({ subject }) => subject)).toEqual(['shown', 'wide', 'work']);

    // The shell of sqlite.org starts like this since 3.41.
    const unpacked = judge(result.path, dir);
    const strict = 'sqlite3 -bail -cmd ".dbconfig dqs_ddl off" -cmd ".dbconfig dqs_dml off"';
    const plain = `${strict} plain.db ".read database.sql"`;
    expect(() => tool('sh', ['-c', plain], unpacked)).toThrow(/no such column: pending/);
    const commands = entry(result.path, 'README.md').match(/^sqlite3 restored\.db .*$/gm) ?? [];
    expect(commands).toHaveLength(3);
    for (const command of commands) {
      tool('sh', ['-c', command.replace('sqlite3', strict)], unpacked);
    }
    const query = `SELECT rowid FROM found WHERE found MATCH 'tides'; SELECT count(*) FROM work; SELECT c1 FROM wide`;
    expect(sqlite(join(unpacked, 'restored.db'), query)).toBe('1\n2\nsome');
  });

  it('says so when it is to hold no photos', async () => {
    const dir = folder();
    newer(dir);
    const result = await backup(dir);
    expect(codes(result)).toEqual(['PHOTOS_LEFT_OUT']);
    expect(result.metadata.not_included).toEqual(['all photos', 'Workers KV']);
    expect(result.metadata.photos).toMatchObject({ scope: null, originals: 0, bytes: 0 });
    expect(result.metadata).toMatchObject({ complete: true, source: { photos: null } });
    expect(entry(result.path, 'README.md')).toContain('- all photos\n');
    judge(result.path, dir);
  });

  it('takes its rows from a script, database.sql of a backup among them', async () => {
    const dir = folder();
    newer(dir);
    const first = await backup(dir);
    const sql = join(judge(first.path, dir), 'database.sql');
    const again = await backup(dir, { database: { sql }, outputDir: join(dir, 'again') });
    expect(again.metadata.source.database).toBe('sql');
    expect(entry(again.path, 'database.sql')).toBe(entry(first.path, 'database.sql'));
    expect(again.metadata.database.tables).toEqual(first.metadata.database.tables);
  });
});
