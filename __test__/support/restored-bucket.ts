/** A backup of a bucket, and empty buckets that it is restored into. */

import { join } from 'node:path';

import { type BackupOptions, createBackup, type RestoreOptions } from '../../index.js';
import { folder, removeFolders } from '../support';
import { FaultProxy } from './fault-proxy';
import { bucket, R2Double } from './r2';
import { entry, sqlite } from './tools';

export type Photos = NonNullable<BackupOptions['photos']>;
export type S3 = NonNullable<RestoreOptions['s3']>;

/** An empty bucket, and a proxy before its S3. */
interface Target {
  readonly empty: R2Double;
  readonly proxy: FaultProxy;
  readonly s3: S3;
}

interface Buckets {
  /** The backup. */
  readonly archive: () => string;
  /** Backs up these photos beside the same rows. */
  readonly backup: (photos: Photos) => Promise<string>;
  /** Tries something with an empty bucket. */
  readonly withTarget: (test: (given: Target) => Promise<void>) => Promise<void>;
}

export const large = 'originals/large.jpg';
export const keys = [
  'artworks/2025/09/04/heron__400x400.jpg',
  'originals/2025/09/04/heron.jpg',
  'originals/a b+c%20#?é.jpg',
  'originals/empty.jpg',
  large,
];

export function bytesOf(key: string): Buffer {
  if (key.includes('empty')) return Buffer.alloc(0);
  // Two parts of the same size and nothing left over.
  return Buffer.alloc(key === large ? 16 << 20 : 2000, `photo ${key} `);
}

/** The buckets of a spec's tests; they go with its last one. */
export function bucketsToRestore(): Buckets {
  /** Buckets that are empty and that nobody uses at the moment. */
  const free: R2Double[] = [];
  let source: R2Double;
  let database: string;
  let archive: string;

  beforeAll(async () => {
    const base = folder();
    source = await new R2Double(join(base, 'v3')).listen();
    for (const key of keys) {
      await source.put(key, bytesOf(key), {
        httpMetadata: {
          contentType: 'image/jpeg',
          cacheControl: 'max-age=60',
          contentDisposition: 'inline',
          contentLanguage: 'de',
          cacheExpiry: '2030-01-02T03:04:05Z',
        },
        customMetadata: {
          note: `Grüße ${'ß'.repeat(50)}`,
          camera: 'X100',
          literal: '=?UTF-8?B?w6k=?=',
        },
      });
    }
    database = join(base, 'archive.sqlite');
    sqlite(
      database,
      `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
       INSERT INTO artwork VALUES ('w1', 'Heron', '["originals/2025/09/04/heron.jpg"]', 'approved')`,
    );
    archive = await backup({ wrangler: { bucket, stateDir: source.state } });
  }, 60_000);

  afterAll(async () => {
    await Promise.all([source, ...free].map((double) => double.close()));
    removeFolders();
  });

  async function backup(photos: Photos): Promise<string> {
    const outputDir = folder();
    const made = await createBackup({
      database: { file: database },
      photos,
      photoScope: 'all',
      outputDir,
      now: '2026-01-02T03:04:05Z',
    });
    expect(made.metadata.photos.missing).toEqual([]);
    return made.path;
  }

  async function withTarget(test: (given: Target) => Promise<void>): Promise<void> {
    const empty = free.pop() ?? (await new R2Double(join(folder(), 'v3')).listen());
    const proxy = await new FaultProxy(new URL(empty.s3.endpoint)).listen();
    try {
      await test({ empty, proxy, s3: { ...empty.s3, endpoint: proxy.url } });
    } finally {
      await proxy.close();
      await empty.clear();
      free.push(empty);
    }
  }

  return { archive: () => archive, backup, withTarget };
}

type Entry = Readonly<Record<string, unknown>> & { key: string };

export function index(path: string): Entry[] {
  return JSON.parse(entry(path, 'photos/index.json')) as Entry[];
}

/** What a store that holds headers holds of each photo; its ETag and date are its own. */
export function told(path: string): object[] {
  return index(path).map((entry) => ({ ...entry, etag: null, last_modified: null }));
}
