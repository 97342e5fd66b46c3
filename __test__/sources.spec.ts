/** The same archive of public art behind every pair of sources: real D1 and R2 state, real S3, a public URL. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { encode } from 'jpeg-js';

import {
  type BackupOptions,
  type BackupResult,
  createBackup,
  createDataDump,
  type DataDumpResult,
} from '../index.js';
import { folder, removeFolders } from './support';
import { sqlite, tool, unpack } from './support/tools';

const now = '2026-01-02T03:04:05Z';
const [database, bucket] = ['3f1c9a52-7b64-4c0e-9d2a-5e8f00112233', 'photos-bucket'] as const;

/** Keys that every store must hand over as they are. */
const keys = [
  'originals/2025/09/04/heron.jpg',
  'originals/a b+c%20#é.jpg',
  'originals/a//b.jpg',
  'originals/日本.jpg',
  'originals/big.jpg',
  'artworks/2025/09/04/heron__400x400.jpg',
];

const sql = `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
INSERT INTO artwork VALUES ${keys
  .slice(0, 5)
  .map(
    (key, nth) =>
      `('w${String(nth)}', 'It''s ${String(nth)}', '${JSON.stringify([key])}', 'approved')`,
  )
  .join(', ')};`;

/** Who uploaded a photo: kept beside it in R2, and nobody's business. */
const secret = 'uploader-5f0c1d7e2b';

/** The one photo that is a picture. */
function picture(): Buffer {
  const [width, height] = [1000, 600];
  return encode({ data: Buffer.alloc(width * height * 4, 0x70), width, height }, 90).data;
}

interface Store {
  readonly endpoint: string;
  readonly publicUrl: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly state: string;
  readonly photos: string;
  readonly file: string;
}

let store: Store;
let stop: () => Promise<void>;

beforeAll(async () => {
  const base = folder();
  const photos = join(base, 'photos');
  const objects = keys.map((key, nth) => {
    const file = join(photos, key.replace('//', '/_/'));
    mkdirSync(dirname(file), { recursive: true });
    // Of more than eight megabytes a body waits on disk; of more than five it can be uploaded in parts.
    const size = key.endsWith('big.jpg') ? 11_000_000 : 1000 * (nth + 1);
    writeFileSync(file, nth === 0 ? picture() : Buffer.alloc(size, `photo ${String(nth)} `));
    return {
      key,
      file,
      parts: key.endsWith('big.jpg') ? 2 : 1,
      httpMetadata: { contentType: 'image/jpeg', cacheControl: 'max-age=60' },
      customMetadata: { camera: 'X100', note: 'Grüße', uploader: secret },
    };
  });
  const state = join(base, 'v3');
  const file = join(base, 'archive.sqlite');
  sqlite(file, sql);
  const request = { state, database, bucket, sql, objects };
  const child = spawn(
    process.execPath,
    [join(__dirname, 'support', 'state.mjs'), JSON.stringify(request)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  store = { ...(JSON.parse(line) as Store), state, photos, file };
  stop = async () => {
    child.stdin.end();
    await once(child, 'close');
  };
}, 60_000);

afterAll(async () => {
  await stop();
  removeFolders();
});

function backup(
  database: BackupOptions['database'],
  photos: BackupOptions['photos'],
  options: Partial<BackupOptions> = {},
): Promise<BackupResult> {
  return createBackup({ database, photos, outputDir: folder(), now, ...options });
}

interface Entry {
  readonly key: string;
  readonly sha256: string;
  readonly content_type: string | null;
  readonly http_metadata: Record<string, unknown>;
  readonly custom_metadata: Record<string, unknown>;
}

function contents(path: string): { sql: string; index: Entry[] } {
  const script = `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({'sql': z.read('database.sql').decode(), 'index': json.loads(z.read('photos/index.json'))}))`;
  return JSON.parse(tool('python3', ['-c', script, path])) as { sql: string; index: Entry[] };
}

function s3(): NonNullable<BackupOptions['photos']> {
  const { endpoint, accessKeyId, secretAccessKey } = store;
  return { s3: { endpoint, bucket, accessKeyId, secretAccessKey } };
}

describe('every pair of sources', () => {
  it('gives the same rows and the same photos', async () => {
    const { state, file, publicUrl } = store;
    const local = { wrangler: { databaseId: database, stateDir: state } };
    const made = await Promise.all([
      backup(local, { wrangler: { bucket, stateDir: state } }),
      backup({ file }, s3()),
      backup(local, { publicUrl }),
    ]);
    for (const { complete, metadata, warnings } of made) {
      expect({ complete, warnings, missing: metadata.photos.missing }).toEqual({
        complete: true,
        warnings: [],
        missing: [],
      });
    }
    const [first, ...others] = made.map(({ path }) => contents(path));
    expect(first?.index.map(({ key }) => key).sort()).toEqual([...keys].sort());
    for (const other of others) {
      expect(other.sql).toBe(first?.sql);
      const hashes = (index: Entry[] = []): string[] =>
        index.map(({ key, sha256 }) => key + sha256);
      expect(hashes(other.index)).toEqual(hashes(first?.index));
    }
    for (const { index } of [first, others[0]].filter((each) => each !== undefined)) {
      expect(index[0]).toMatchObject({
        content_type: 'image/jpeg',
        http_metadata: { cache_control: 'max-age=60' },
        custom_metadata: { camera: 'X100', note: 'Grüße' },
      });
    }
    expect(made.map(({ metadata }) => metadata.source)).toEqual([
      { database: 'wrangler', photos: 'wrangler' },
      { database: 'file', photos: 's3' },
      { database: 'wrangler', photos: 'public_url' },
    ]);
  });

  it('gives the same data dump, without what R2 keeps beside a photo', async () => {
    const { state, file, publicUrl } = store;
    const local = { wrangler: { databaseId: database, stateDir: state } };
    const dump = (
      rows: BackupOptions['database'],
      photos: BackupOptions['photos'],
    ): Promise<DataDumpResult> =>
      createDataDump({ database: rows, photos, outputDir: folder(), now });
    const [first, ...others] = await Promise.all([
      dump(local, { wrangler: { bucket, stateDir: state } }),
      dump({ file }, s3()),
      dump(local, { publicUrl }),
    ]);
    expect(first.metadata.counts).toMatchObject({ total_artworks: 5, total_photos: 1 });
    expect(first.metadata.photos_missing.map(({ reason }) => reason)).toEqual(
      Array(4).fill('unsupported_format'),
    );
    for (const other of others) expect(other.sha256).toBe(first.sha256);
    const unpacked = unpack(first.path ?? '', folder());
    const files = readdirSync(unpacked, { recursive: true, withFileTypes: true });
    for (const each of files.filter((entry) => entry.isFile())) {
      const text = readFileSync(join(each.parentPath, each.name), 'latin1');
      for (const kept of [secret, 'X100', 'max-age']) expect(text).not.toContain(kept);
    }
  });

  it('reuses what has not changed', async () => {
    const { file } = store;
    const first = await backup({ file }, s3());
    const again = await backup({ file }, s3(), { reuseFrom: first.path });
    expect(again.reusedPhotos).toBe(keys.length);
    expect(readFileSync(again.path).equals(readFileSync(first.path))).toBe(true);
  });
});

describe('a store that cannot be used', () => {
  it.each([
    ['a wrong secret', { secretAccessKey: 'another-secret' }, 'SOURCE_REFUSED'],
    ['an unknown key', { accessKeyId: 'AKIAOTHER' }, 'SOURCE_REFUSED'],
    ['no such bucket', { bucket: 'no-such-bucket' }, /SOURCE_(UNREACHABLE|REFUSED)/],
    ['nothing there', { endpoint: 'http://127.0.0.1:9' }, 'SOURCE_UNREACHABLE'],
  ])(
    '%s is one clear error without the secret',
    async (_, changes, code) => {
      const access = { ...(s3() as { s3: object }).s3, ...changes } as NonNullable<
        NonNullable<BackupOptions['photos']>['s3']
      >;
      const outputDir = folder();
      const failure = await createBackup({
        database: { file: store.file },
        photos: { s3: access },
        outputDir,
        now,
      }).catch((error: unknown) => error as Error & { code: string });
      expect(failure).toMatchObject({ code: expect.stringMatching(code) as string });
      expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain(
        access.secretAccessKey,
      );
      expect(readdirSync(outputDir)).toEqual([]);
    },
    60_000,
  );

  it('an id that has no file names the path, the id and what lies there', async () => {
    const wrangler = { databaseId: 'another-id', stateDir: store.state };
    await expect(backup({ wrangler }, undefined)).rejects.toMatchObject({
      code: 'DATABASE_NOT_FOUND',
      message: expect.stringMatching(
        /another-id.*7429dc3a17b65e3b58914392a5be122bed5b9411c30d039f70d86b8a8c0b0e43/s,
      ) as string,
    });
  });

  it('a bucket that has no file is unreachable', async () => {
    const wrangler = { bucket: 'another-bucket', stateDir: store.state };
    await expect(backup({ file: store.file }, { wrangler })).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringContaining('another-bucket') as string,
    });
  });

  it('a public URL cannot list', async () => {
    const photos = { publicUrl: store.publicUrl };
    await expect(backup({ file: store.file }, photos, { photoScope: 'all' })).rejects.toMatchObject(
      { code: 'INVALID_OPTIONS' },
    );
  });
});

describe('a reference to what a public URL does not have', () => {
  const referring = (...photos: string[]): string => {
    const file = join(folder(), 'referring.sqlite');
    const rows = photos.map((key, nth) => `('w${String(nth)}', '["${key}"]', 'approved')`);
    sqlite(
      file,
      `CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT NOT NULL);
       INSERT INTO artwork VALUES ${rows.join(', ')}`,
    );
    return file;
  };

  it('is a warning, and the backup is complete', async () => {
    const file = referring('originals/2025/09/04/heron.jpg', 'originals/gone.jpg');
    const { complete, metadata } = await backup({ file }, { publicUrl: store.publicUrl });
    expect(complete).toBe(true);
    expect(metadata.photos).toMatchObject({
      originals: 1,
      thumbnails: 1,
      dangling: 1,
      missing: [],
    });
    expect(metadata.warnings).toContainEqual(
      expect.objectContaining({
        code: 'PHOTO_DANGLING',
        message: expect.stringContaining('originals/gone.jpg') as string,
      }),
    );
  });

  it('is an error when there is no other: it is the wrong place', async () => {
    const file = referring('originals/gone.jpg', 'originals/lost.jpg');
    await expect(backup({ file }, { publicUrl: store.publicUrl })).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
    });
  });
});

it('a state on a read-only medium is read', async () => {
  const wrangler = { databaseId: database, stateDir: store.state };
  const folders = ['d1/miniflare-D1DatabaseObject', 'r2/miniflare-R2BucketObject'];
  for (const each of folders) chmodSync(join(store.state, each), 0o555);
  try {
    const photos = { wrangler: { bucket, stateDir: store.state } };
    expect((await backup({ wrangler }, photos)).complete).toBe(true);
  } finally {
    for (const each of folders) chmodSync(join(store.state, each), 0o755);
  }
});
