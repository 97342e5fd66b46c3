/** A backup that is restored into a bucket by S3: every photo with what the store knew of it, and nothing written over. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, createBackup, restoreBackup, type RestoreOptions } from '../index.js';
import { folder, listing, removeFolders, run } from './support';
import { type Asked, type Fault, FaultProxy, faults } from './support/fault-proxy';
import { account, bucket, R2Double, token } from './support/r2';
import { full } from './support/random';
import { entry, sqlite } from './support/tools';

const now = '2026-01-02T03:04:05Z';
type Photos = NonNullable<BackupOptions['photos']>;
type S3 = NonNullable<RestoreOptions['s3']>;

const large = 'originals/large.jpg';
const keys = [
  'artworks/2025/09/04/heron__400x400.jpg',
  'originals/2025/09/04/heron.jpg',
  'originals/a b+c%20#?é.jpg',
  'originals/empty.jpg',
  large,
];

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

function bytesOf(key: string): Buffer {
  if (key.includes('empty')) return Buffer.alloc(0);
  // Two parts of the same size and nothing left over.
  return Buffer.alloc(key === large ? 16 << 20 : 2000, `photo ${key} `);
}

async function backup(photos: Photos): Promise<string> {
  const outputDir = folder();
  const made = await createBackup({
    database: { file: database },
    photos,
    photoScope: 'all',
    outputDir,
    now,
  });
  expect(made.metadata.photos.missing).toEqual([]);
  return made.path;
}

type Entry = Readonly<Record<string, unknown>> & { key: string };

function index(path: string): Entry[] {
  return JSON.parse(entry(path, 'photos/index.json')) as Entry[];
}

/** What a store that holds headers holds of each photo; its ETag and date are its own. */
function told(path: string): object[] {
  return index(path).map((entry) => ({ ...entry, etag: null, last_modified: null }));
}

/** Buckets that are empty and that nobody uses at the moment. */
const free: R2Double[] = [];

/** Tries something with an empty bucket, and a proxy before its S3. */
async function withTarget(
  test: (given: { empty: R2Double; proxy: FaultProxy; s3: S3 }) => Promise<void>,
): Promise<void> {
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

describe('a bucket that is restored', () => {
  it(
    'holds every photo as it was, from every source, and the same backup comes of it',
    () =>
      withTarget(async ({ empty, s3 }) => {
        const report = await restoreBackup(archive, { s3, database: join(folder(), 'a.sqlite') });
        expect(report).toMatchObject({
          photos: keys.length,
          skipped: 0,
          restoredEverything: true,
          warnings: [],
        });
        const sources: Photos[] = [
          { s3: empty.s3 },
          { wrangler: { bucket, stateDir: empty.state } },
          { r2: { accountId: account, bucket, apiToken: token, apiUrl: empty.apiUrl } },
        ];
        for (const photos of sources) {
          const again = await backup(photos);
          // R2 decodes what S3 brings; miniflare hands it on as it is, so that only S3 itself gives it back.
          const isDecoded = 's3' in photos;
          const strip = (entry: object): object =>
            isDecoded ? entry : { ...entry, custom_metadata: undefined };
          expect(told(again).map(strip)).toEqual(told(archive).map(strip));
          expect(entry(again, 'database.sql')).toBe(entry(archive, 'database.sql'));
          // What was read from any source restores into any target.
          for (const aim of ['directory', 'wrangler'] as const) {
            const dir = folder();
            const options: RestoreOptions =
              aim === 'directory'
                ? { photosDir: join(dir, 'photos') }
                : { wrangler: { bucket, stateDir: dir } };
            const { photos: written } = await restoreBackup(again, options);
            expect(written).toBe(keys.length);
            const third = await backup(
              aim === 'directory'
                ? { directory: join(dir, 'photos') }
                : { wrangler: { bucket, stateDir: dir } },
            );
            const bytes = (path: string): unknown[] =>
              index(path).map(({ key, size, sha256 }) => [key, size, sha256]);
            expect(bytes(third)).toEqual(bytes(archive));
            if (aim === 'wrangler') expect(told(third)).toEqual(told(again));
          }
        }
      }),
    120_000,
  );

  it('goes on where it was broken off, and a dry run writes nothing', () =>
    withTarget(async ({ proxy, s3 }) => {
      expect(await restoreBackup(archive, { s3, dryRun: true })).toMatchObject({
        photos: keys.length,
      });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
      await restoreBackup(archive, { s3, keys: ['originals/[a-e]*'] });
      const resumed = await restoreBackup(archive, { s3 });
      expect([resumed.photos, resumed.skipped]).toEqual([3, 2]);
      proxy.behave();
      expect(await restoreBackup(archive, { s3 })).toMatchObject({ photos: 0, skipped: 5 });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
    }));

  it('names what no header can hold, and does not say that everything is back', () =>
    withTarget(async ({ s3 }) => {
      const odd = await new R2Double(join(folder(), 'v3')).listen();
      try {
        await odd.put(keys[1] ?? '', Buffer.from('x'), {
          httpMetadata: { contentDisposition: 'inline; filename="höhe.jpg"' },
          customMetadata: { größe: '1', a: 'b' },
        });
        const path = await backup({ wrangler: { bucket, stateDir: odd.state } });
        const report = await restoreBackup(path, { s3, database: join(folder(), 'a.sqlite') });
        expect(report.restoredEverything).toBe(false);
        expect(report.warnings).toEqual([
          {
            code: 'METADATA_LEFT_OUT',
            subject: keys[1],
            message: expect.stringContaining('content_disposition, größe;') as string,
          },
        ]);
      } finally {
        await odd.close();
      }
    }));
});

describe('what is in the bucket already', () => {
  it.each([
    ['of the same length', bytesOf(keys[1] ?? '').fill('y')],
    ['of another length', Buffer.from('mine')],
  ])('under a key, %s, ends the restore before anything is written', (_, mine) =>
    withTarget(async ({ empty, proxy, s3 }) => {
      await empty.put(keys[1] ?? '', mine);
      const file = join(folder(), 'a.sqlite');
      await expect(restoreBackup(archive, { s3, database: file })).rejects.toMatchObject({
        code: 'TARGET_NOT_EMPTY',
        message: expect.stringContaining('heron.jpg') as string,
      });
      expect(proxy.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
      expect(listing(join(file, '..'))).toEqual([]);
      await restoreBackup(archive, { s3, keys: ['originals/[a-z]*'] });
    }),
  );

  it.each([
    ['small', keys[1] ?? '', 'PUT'],
    ['large', large, 'HEAD'],
  ])('is not written over when it comes meanwhile: a %s photo', (_, key, method) =>
    withTarget(async ({ empty, proxy, s3 }) => {
      proxy.before = async (asked) => {
        const isLast = asked.method === method && asked.path.includes(`/${bucket}/${key}`);
        if (isLast) await empty.put(key, Buffer.from('theirs'));
      };
      await expect(restoreBackup(archive, { s3 })).rejects.toMatchObject({
        code: 'TARGET_NOT_EMPTY',
      });
      const kept = await empty.get(key);
      expect(kept.toString()).toBe('theirs');
    }),
  );
});

describe('what fails on the way', () => {
  it(
    'once leaves nothing out and nothing torn, whichever request it is',
    () =>
      withTarget(async ({ empty, proxy, s3 }) => {
        await restoreBackup(archive, { s3 });
        const requests = proxy.asked.length;
        // A page of the listing, four small photos, and a large one that is begun, sent in two parts, looked for and made.
        expect(requests).toBe(1 + 4 + 5);
        const expected = told(await backup({ s3: empty.s3 }));
        const tryEach = (fault: Fault) =>
          withTarget(async ({ empty, proxy, s3 }) => {
            for (const nth of some(fault, requests)) {
              await empty.clear();
              proxy.behave((asked) => (asked.nth === nth ? fault : undefined));
              const report = await restoreBackup(archive, { s3 });
              expect({ nth, fault, written: report.photos }).toEqual({ nth, fault, written: 5 });
              expect({ nth, fault, held: told(await backup({ s3: empty.s3 })) }).toEqual({
                nth,
                fault,
                held: expected,
              });
            }
          });
        // The waiting of all of them goes on at the same time.
        await Promise.all(faults.map(tryEach));
      }),
    240_000,
  );

  it('once while parts become one object, after the answer has begun, is tried again', () =>
    withTarget(async ({ empty, proxy, s3 }) => {
      const isLast = ({ method, path }: Asked): boolean =>
        method === 'POST' && path.includes('uploadId=');
      proxy.behave((asked) =>
        isLast(asked) && proxy.asked.filter(isLast).length === 1 ? 'late' : undefined,
      );
      expect(await restoreBackup(archive, { s3 })).toMatchObject({ photos: 5 });
      expect(proxy.asked.filter(isLast)).toHaveLength(2);
      const sent = await empty.get(large);
      expect(sent.equals(bytesOf(large))).toBe(true);
    }));

  it('for ever ends in one clear error, and what is there is whole', async () => {
    // The waiting of both goes on at the same time.
    await Promise.all([
      withTarget(async ({ empty, proxy, s3 }) => {
        proxy.behave(({ method }) => (method === 'GET' ? undefined : 'busy'));
        const restored = restoreBackup(archive, { s3, database: join(folder(), 'a.sqlite') });
        await expect(restored).rejects.toMatchObject({
          code: 'SOURCE_UNREACHABLE',
          message: expect.stringMatching(/overloaded or down; try again later/) as string,
        });
        expect(await empty.keys()).toEqual([]);
      }),
      withTarget(async ({ empty, proxy, s3 }) => {
        proxy.behave(({ path }) => (isPart(path) ? 'gateway' : undefined));
        await expect(restoreBackup(archive, { s3 })).rejects.toMatchObject({
          code: 'SOURCE_UNREACHABLE',
        });
        // It is the last of the originals, and the smaller copies come after them.
        const before = keys.filter((key) => key.startsWith('originals') && key !== large);
        expect(await empty.keys()).toEqual(before);
        expect(proxy.asked.at(-1)?.method).toBe('DELETE');
        proxy.behave();
        expect(await restoreBackup(archive, { s3 })).toMatchObject({ photos: 2, skipped: 3 });
      }),
    ]);
  }, 120_000);

  it('by credentials, bucket or options is named, without the secret', () =>
    withTarget(async ({ s3 }) => {
      const wrong: [Partial<S3>, string, RegExp][] = [
        [{ secretAccessKey: 'hidden-secret' }, 'SOURCE_REFUSED', /secret access key/],
        [{ accessKeyId: 'nobody' }, 'SOURCE_REFUSED', /may list and read this bucket/],
        [{ bucket: 'no-such-bucket' }, 'SOURCE_UNREACHABLE', /no such bucket/],
        [{ endpoint: 'ftp://x' }, 'INVALID_OPTIONS', /s3\.endpoint/],
        [{ bucket: '../x' }, 'INVALID_OPTIONS', /s3\.bucket/],
      ];
      for (const [change, code, words] of wrong) {
        const error: unknown = await restoreBackup(archive, { s3: { ...s3, ...change } }).catch(
          (error: unknown) => error,
        );
        expect(error).toMatchObject({ code, message: expect.stringMatching(words) as string });
        expect(String((error as Error).stack)).not.toMatch(/hidden-secret|SECRETTEST/);
      }
      await expect(
        restoreBackup(archive, { s3: { bucket: 'x' } as unknown as S3 }),
      ).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }));

  it('by being aborted leaves no part of a photo', () =>
    withTarget(async ({ empty, proxy, s3 }) => {
      const controller = new AbortController();
      proxy.before = ({ path }) => {
        if (isPart(path)) controller.abort();
        return Promise.resolve();
      };
      await expect(restoreBackup(archive, { s3, signal: controller.signal })).rejects.toMatchObject(
        { code: 'ABORT_ERR' },
      );
      expect(await empty.keys()).not.toContain(large);
    }));
});

describe('the command', () => {
  it('takes the bucket by flags and the credentials from the environment', () =>
    withTarget(async ({ empty, s3 }) => {
      const cwd = folder();
      mkdirSync(cwd, { recursive: true });
      const command = ['restore', archive, '--s3-endpoint', s3.endpoint, '--s3-bucket', bucket];
      const none = await run(command, { cwd });
      expect(none.code).toBe(2);
      expect(none.stderr).toMatch(/R2_ACCESS_KEY_ID.*R2_SECRET_ACCESS_KEY/);
      const env = {
        R2_ACCESS_KEY_ID: s3.accessKeyId,
        R2_SECRET_ACCESS_KEY: s3.secretAccessKey,
      };
      const { code, stdout, stderr } = await run(command, { cwd, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`bucket ${bucket}: 5 (`);
      expect(`${stdout}${stderr}`).not.toContain(s3.secretAccessKey);
      expect(await empty.keys()).toEqual(keys);
    }));
});

function isPart(path: string): boolean {
  return path.includes('partNumber=');
}

/** Which requests meet a fault: each in the full run; else each of them some faults, and each fault some of them. */
function some(fault: Fault, requests: number): number[] {
  const all = Array.from({ length: requests }, (_, nth) => nth + 1);
  return all.filter((nth) => full || faults.indexOf(fault) % 3 === nth % 3);
}
