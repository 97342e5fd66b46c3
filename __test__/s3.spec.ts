/** Photos by S3 from two stores that share no code: whatever one of them holds comes out of both the same. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import { type BackupOptions, type BackupResult, createBackup, restoreBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { FaultProxy } from './support/fault-proxy';
import { type Access, Moto } from './support/moto';
import { runJob } from './support/process';
import { bucket, R2Double } from './support/r2';
import { full } from './support/random';
import { entry, judge, sqlite } from './support/tools';

const now = '2026-01-02T03:04:05Z';
/** Both listings have several pages. */
const many = full ? 70_000 : 2100;

/** What the row refers to: uploaded in parts, and fetched in pieces when a connection breaks. */
const large = 'originals/0.jpg';
/** Keys that S3 allows, and that a URL, a path or a parser of XML might take for something else. */
const keys = [
  '%2F%252F.jpg',
  '/lead.jpg',
  '50%.jpg',
  'a b+c.jpg',
  'a#b?c&d=e.jpg',
  'a//b.jpg',
  'a:b@c,d;e=f$.jpg',
  'back\\slash.jpg',
  'control\u0001.jpg',
  'dir/',
  'e\u0301.jpg',
  'quote\'"<>&amp;.jpg',
  'tab\t.jpg',
  '~-_.*()!.jpg',
  'é日本🎨.jpg',
  large,
];
/** As legal, and no URL of a server on workerd: it tidies them before anybody sees them. */
const dotted = ['./here.jpg', 'x/../y.jpg', 'x/..'];

function bytesOf(key: string): Buffer {
  return Buffer.alloc(key === large ? 11_000_000 : 1000, `photo ${key} `);
}

let moto: Moto;
let r2: R2Double;
let database: string;

beforeAll(async () => {
  const base = folder();
  [moto, r2] = await Promise.all([Moto.listen(bucket), new R2Double(join(base, 'v3')).listen()]);
  await fill(moto.access, [...keys, ...dotted]);
  await fill({ ...r2.s3, region: 'auto' }, keys);
  database = join(base, 'archive.sqlite');
  sqlite(
    database,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w1', 'Heron', '["${large}"]', 'approved')`,
  );
}, 120_000);

afterAll(async () => {
  await Promise.all([moto.close(), r2.close()]);
  removeFolders();
});

function client({ endpoint, region, ...credentials }: Access): S3Client {
  const made = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  // workerd answers no `Expect: 100-continue`.
  made.middlewareStack.remove('addExpectContinueMiddleware');
  return made;
}

/** Puts photos into the bucket as others do: with Amazon's own client. */
async function fill(access: Access, keys: readonly string[]): Promise<void> {
  const store = client(access);
  for (const key of keys) {
    const params = {
      Bucket: bucket,
      Key: key,
      Body: bytesOf(key),
      ContentType: 'image/jpeg',
      CacheControl: 'max-age=60',
      Metadata: { camera: 'X100' },
    };
    if (key === large) await new Upload({ client: store, params, partSize: 5 << 20 }).done();
    else await store.send(new PutObjectCommand(params));
  }
  store.destroy();
}

function options(access: Access, change: Partial<BackupOptions> = {}): BackupOptions {
  const photos = { s3: { ...access, bucket } };
  return {
    database: { file: database },
    photos,
    photoScope: 'all',
    outputDir: folder(),
    now,
    ...change,
  };
}

type Entry = Readonly<Record<string, unknown>> & { readonly key: string; readonly sha256: string };

function index({ path }: BackupResult): Entry[] {
  return JSON.parse(entry(path, 'photos/index.json')) as Entry[];
}

/** What does not depend on when a photo was put there. */
function timeless(result: BackupResult): object[] {
  return index(result).map((entry) => ({ ...entry, last_modified: null }));
}

function sha256(key: string): string {
  return createHash('sha256').update(bytesOf(key)).digest('hex');
}

describe('two stores', () => {
  it('give the same rows and the same photos, whatever their keys', async () => {
    const [here, there] = await Promise.all([
      createBackup(options({ ...r2.s3, region: 'auto' })),
      createBackup(options(moto.access)),
    ]);
    for (const { complete, warnings, metadata } of [here, there]) {
      expect({ complete, warnings, missing: metadata.photos.missing }).toEqual({
        complete: true,
        warnings: [],
        missing: [],
      });
    }
    expect(entry(there.path, 'database.sql')).toBe(entry(here.path, 'database.sql'));
    const held = index(there);
    expect(held.map(({ key, sha256 }) => [key, sha256]).sort()).toEqual(
      [...keys, ...dotted].map((key) => [key, sha256(key)]).sort(),
    );
    const common = timeless(there).filter((_, nth) => !dotted.includes(held[nth]?.key ?? ''));
    expect(common).toEqual(timeless(here));
    expect(held.find(({ key }) => key === large)).toMatchObject({
      etag: expect.stringMatching(/^[0-9a-f]{32}-3$/) as string,
      content_type: 'image/jpeg',
      http_metadata: { cache_control: 'max-age=60' },
      custom_metadata: { camera: 'X100' },
    });
    judge(there.path, folder());
  }, 60_000);

  it('are one to a backup that reuses another', async () => {
    const first = await createBackup(options(moto.access));
    const again = await createBackup(options(moto.access, { reuseFrom: first.path }));
    expect(again.reusedPhotos).toBe(keys.length + dotted.length);
    expect(again.sha256).toBe(first.sha256);
  });

  it('are filled by a restore, out of which the same backup comes', async () => {
    const first = await createBackup(options({ ...r2.s3, region: 'auto' }));
    const empty = await Moto.listen(bucket);
    try {
      const report = await restoreBackup(first.path, {
        s3: { ...empty.access, bucket },
        database: join(folder(), 'restored.sqlite'),
      });
      expect(report).toMatchObject({ photos: keys.length, restoredEverything: true });
      const again = await createBackup(options(empty.access));
      // Parts of another size make another ETag.
      const told = (result: BackupResult): object[] =>
        timeless(result).map((entry) => ({ ...entry, etag: null }));
      expect(told(again)).toEqual(told(first));
    } finally {
      await empty.close();
    }
  }, 60_000);

  it('go on with a photo where the connection broke', async () => {
    const proxy = await new FaultProxy(new URL(moto.access.endpoint)).listen();
    try {
      proxy.behave(({ path, range }) =>
        path.endsWith(large) && range === undefined ? 'half' : undefined,
      );
      const result = await createBackup(options({ ...moto.access, endpoint: proxy.url }));
      expect(result.complete).toBe(true);
      const ranges = proxy.asked.map(({ range }) => range).filter((range) => range !== undefined);
      expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d{5,}-$/)]);
    } finally {
      await proxy.close();
    }
  });

  it.each([
    ['a wrong secret', { secretAccessKey: 'another-secret' }, 'SOURCE_REFUSED'],
    ['an unknown key', { accessKeyId: 'AKIAOTHER' }, 'SOURCE_REFUSED'],
    ['no such bucket', { bucket: 'no-such-bucket' }, 'SOURCE_UNREACHABLE'],
  ])('say what is wrong: %s', async (_, change, code) => {
    const outputDir = folder();
    const photos = { s3: { ...moto.access, bucket, ...change } };
    const failing = createBackup(options(moto.access, { photos, outputDir }));
    await expect(failing).rejects.toMatchObject({ code });
    expect(listing(outputDir)).toEqual([]);
  });
});

describe('a bucket of many photos', () => {
  let store: Moto;

  beforeAll(async () => {
    store = await Moto.listen(bucket, many);
  }, 120_000);

  afterAll(() => store.close());

  it(`is listed to its end and fetched: ${String(many)}`, async () => {
    const result = await createBackup(options(store.access, { drill: false }));
    expect(result.complete).toBe(true);
    const held = new Map(index(result).map(({ key, sha256 }) => [key, sha256]));
    expect(held.size).toBe(many);
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    for (let nth = 0; nth < many; nth += 1) {
      expect(held.get(`originals/${String(nth)}.jpg`)).toBe(hash(`photo ${String(nth)}`));
    }
  });
});

it('memory is bounded by the photos under way, not by all of them', async () => {
  const store = await Moto.listen(bucket, 60, 8_000_000);
  try {
    const { result, peakBytes } = await runJob({
      options: options(store.access, { concurrency: 2, drill: false }),
    });
    expect(result).toMatchObject({ complete: true, metadata: { photos: { originals: 60 } } });
    expect(peakBytes).toBeLessThan((60 * 8_000_000) / 2);
  } finally {
    await store.close();
  }
}, 60_000);
