/** Photos by S3 over a network that fails: a backup is complete, or says in good time what is missing. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { type BackupOptions, type BackupResult, createBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { type Fault, FaultProxy, faults } from './support/fault-proxy';
import { bucket, R2Double } from './support/r2';
import { full, random, seed } from './support/random';
import { entry, sqlite } from './support/tools';

const now = '2026-01-02T03:04:05Z';
/** More than one page of a listing. */
const many = full ? 2500 : 1100;
const few = ['originals/0.jpg', 'originals/1.jpg', 'originals/large.jpg'];

let store: R2Double;
let small: FaultProxy;
let large: FaultProxy;
let database: string;
const doubles: R2Double[] = [];

beforeAll(async () => {
  const base = folder();
  store = await new R2Double(join(base, 'many')).listen();
  const handful = await new R2Double(join(base, 'few')).listen();
  doubles.push(store, handful);
  const keys = Array.from({ length: many }, (_, nth) => `originals/${String(nth)}.jpg`);
  while (keys.length > 0) {
    await Promise.all(keys.splice(0, 50).map((key) => store.put(key, bytesOf(key))));
  }
  for (const key of few) await handful.put(key, bytesOf(key));
  large = await new FaultProxy(new URL(store.s3.endpoint)).listen();
  small = await new FaultProxy(new URL(handful.s3.endpoint)).listen();
  database = join(base, 'archive.sqlite');
  sqlite(
    database,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w1', 'Heron', '["originals/0.jpg"]', 'approved')`,
  );
}, 120_000);

beforeEach(() => {
  small.behave();
  large.behave();
});

afterAll(async () => {
  await Promise.all([small.close(), large.close()]);
  await Promise.all(doubles.map((double) => double.close()));
  removeFolders();
});

function bytesOf(key: string): Buffer {
  return Buffer.alloc(key.includes('large') ? 3_000_000 : 500, `photo ${key} `);
}

function backup(proxy: FaultProxy, change: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return createBackup({
    database: { file: database },
    photos: { s3: { ...store.s3, endpoint: proxy.url } },
    photoScope: 'all',
    outputDir: folder(),
    drill: false,
    now,
    ...change,
  });
}

function index({ path }: BackupResult): { key: string; sha256: string }[] {
  return JSON.parse(entry(path, 'photos/index.json')) as { key: string; sha256: string }[];
}

/** What the index says of each photo whose bytes came as they are. */
function sound(result: BackupResult): string[] {
  const sha256 = (key: string): string => createHash('sha256').update(bytesOf(key)).digest('hex');
  return index(result)
    .filter((photo) => photo.sha256 === sha256(photo.key))
    .map(({ key }) => key);
}

describe('a network of which one request in twenty fails', () => {
  it(`still brings ${String(many)} photos, all of them whole`, async () => {
    const next = random();
    let failed = 0;
    large.behave(() => {
      if (next() >= 0.05) return undefined;
      failed += 1;
      return faults[Math.floor(next() * faults.length)];
    });
    const result = await backup(large);
    expect({ seed, complete: result.complete, failed: failed > many / 50 }).toEqual({
      seed,
      complete: true,
      failed: true,
    });
    expect({ seed, sound: sound(result).length }).toEqual({ seed, sound: many });
  }, 240_000);
});

describe('a request that fails once', () => {
  it('leaves nothing out, whichever it is and however it fails', async () => {
    const expected = await backup(small);
    const requests = small.asked.length;
    expect(requests).toBe(1 + few.length);
    async function tryEach(fault: Fault): Promise<void> {
      const proxy = await new FaultProxy(small.target).listen();
      try {
        for (let nth = 1; nth <= requests; nth++) {
          proxy.behave((asked) => (asked.nth === nth ? fault : undefined));
          const result = await backup(proxy);
          expect({ fault, nth, index: index(result) }).toEqual({
            fault,
            nth,
            index: index(expected),
          });
          expect(proxy.asked.length).toBe(requests + 1);
        }
      } finally {
        await proxy.close();
      }
    }
    // The waiting of all of them goes on at the same time.
    await Promise.all(faults.map(tryEach));
  }, 240_000);

  it('in the middle of a body is gone on with where it broke off', async () => {
    small.behave(({ path, range }) =>
      path.endsWith('large.jpg') && range === undefined ? 'half' : undefined,
    );
    const result = await backup(small);
    expect(sound(result)).toEqual(few);
    const ranges = small.asked.map(({ range }) => range).filter((range) => range !== undefined);
    expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d{5,}-$/)]);
  });
});

describe('a store that fails for ever', () => {
  const isPhoto = (path: string): boolean => path.includes(`/${bucket}/originals/`);

  /** How a backup ends of whose photos all but the first `sound` meet a fault. */
  async function outage(fault: Fault, sound: number, outputDir: string): Promise<BackupResult> {
    const proxy = await new FaultProxy(large.target).listen();
    let photos = 0;
    proxy.behave(({ path }) => (isPhoto(path) && (photos += 1) > sound ? fault : undefined));
    try {
      return await backup(proxy, { outputDir });
    } finally {
      await proxy.close();
    }
  }

  // The waiting of all of them goes on at the same time.
  it('ends in an archive that says what is missing, or in one clear error that leaves nothing', async () => {
    const half = Math.floor(many / 2);
    const outputDir = folder();
    const [none, ...some] = await Promise.all([
      outage('gateway', 0, outputDir).catch((error: unknown) => error),
      ...(['busy', 'gateway', 'reset'] as const).map((fault) => outage(fault, half, folder())),
    ]);
    expect(none).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(listing(outputDir)).toEqual([]);
    const reasons = some.map(({ complete, metadata: { photos } }) => {
      expect(complete).toBe(false);
      // Those that were under way when it began may be missing, too.
      expect(photos.missing.length).toBeGreaterThanOrEqual(half);
      expect(photos.missing.length + photos.originals).toBe(many);
      return [...new Set(photos.missing.map(({ reason }) => reason))];
    });
    expect(reasons).toEqual([['unavailable'], ['unavailable'], ['unreachable']]);
  }, 120_000);
});
