/** R2 with nothing but an API token, by a double of Cloudflare's API on real R2. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

import { type BackupOptions, type BackupResult, createBackup, createDataDump } from '../index.js';
import { folder, removeFolders, run } from './support';
import { type Failure, failureOf } from './support/failure';
import { account, bucket, type Fault, faults, R2Double, token } from './support/r2';
import { sqlite, tool } from './support/tools';

const now = '2026-01-02T03:04:05Z';
type Photos = NonNullable<BackupOptions['photos']>;

/** Keys that every API must hand over as they are, in the order of an archive. */
const keys = [
  '/lead.jpg',
  'originals/2025/09/04/heron.jpg',
  'originals/a b+c%20#?é.jpg',
  'originals/a//b.jpg',
  'originals/big.jpg',
  'originals/日本.jpg',
  'artworks/2025/09/04/heron__400x400.jpg',
];

let double: R2Double;
let file: string;

beforeAll(async () => {
  const base = folder();
  double = await new R2Double(join(base, 'v3')).listen();
  for (const key of keys) {
    await double.put(key, bytesOf(key), {
      httpMetadata: {
        contentType: 'image/jpeg',
        cacheControl: 'max-age=60',
        contentDisposition: 'inline',
        cacheExpiry: new Date('2030-01-02T03:04:05Z'),
      },
      customMetadata: { note: 'Grüße', camera: 'X100' },
    });
  }
  file = join(base, 'archive.sqlite');
  sqlite(
    file,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w1', 'Heron', '["originals/2025/09/04/heron.jpg"]', 'approved')`,
  );
}, 60_000);

beforeEach(() => {
  double.behave();
});

afterAll(async () => {
  await double.close();
  removeFolders();
});

function bytesOf(key: string): Buffer {
  // Of more than eight megabytes a body waits on disk.
  return Buffer.alloc(key.endsWith('big.jpg') ? 9_000_000 : 2000, `photo ${key} `);
}

function r2(change: object = {}): Photos {
  return { r2: { accountId: account, bucket, apiToken: token, apiUrl: double.apiUrl, ...change } };
}

function options(photos: Photos, change: Partial<BackupOptions> = {}): BackupOptions {
  return { database: { file }, photos, photoScope: 'all', outputDir: folder(), now, ...change };
}

function backup(photos: Photos, change: Partial<BackupOptions> = {}): Promise<BackupResult> {
  return createBackup(options(photos, change));
}

interface Entry {
  readonly key: string;
  readonly sha256: string;
}

function entry({ path }: BackupResult, name: string): string {
  return tool('unzip', ['-p', path, name]);
}

function index(result: BackupResult): readonly Entry[] {
  return JSON.parse(entry(result, 'photos/index.json')) as Entry[];
}

function failure(change = {}): Promise<Failure> {
  return failureOf((outputDir) => backup(r2(change), { outputDir }), token);
}

describe('a backup over the API', () => {
  it.each([
    ['in one page', {}],
    ['in small pages', { page: 2 }],
    ['with text for a boolean', { page: 3, textual: true }],
  ])(
    'is that over S3 and out of local state, %s',
    async (_, behaviour) => {
      double.behave(behaviour);
      const result = await backup(r2());
      expect(result.complete).toBe(true);
      expect(result.metadata.photos.missing).toEqual([]);
      expect(result.metadata.source).toEqual({ database: 'file', photos: 'r2' });
      expect(readFileSync(result.path).includes(token)).toBe(false);
      const held = index(result);
      expect(held.map(({ key, sha256 }) => [key, sha256])).toEqual(
        keys.map((key) => [key, createHash('sha256').update(bytesOf(key)).digest('hex')]),
      );
      expect(held[0]).toMatchObject({
        content_type: 'image/jpeg',
        http_metadata: {
          cache_control: 'max-age=60',
          cache_expiry: '2030-01-02T03:04:05Z',
          content_disposition: 'inline',
        },
        custom_metadata: { camera: 'X100', note: 'Grüße' },
      });
      for (const photos of [{ s3: double.s3 }, { wrangler: { bucket, stateDir: double.state } }]) {
        const other = await backup(photos);
        expect(held).toEqual(index(other));
        expect(entry(result, 'database.sql')).toBe(entry(other, 'database.sql'));
      }
    },
    60_000,
  );

  it('takes lengths from the listing where answers have none', async () => {
    const expected = index(await backup({ s3: double.s3 }));
    double.behave({ chunked: true });
    const result = await backup(r2());
    expect(result.complete).toBe(true);
    expect(index(result)).toEqual(expected);
  });

  it('reuses what has not changed, also what came by S3', async () => {
    const first = await backup(r2());
    const byS3 = await backup({ s3: double.s3 });
    for (const { path } of [first, byS3]) {
      double.behave();
      const again = await backup(r2(), { reuseFrom: path });
      expect(again.reusedPhotos).toBe(keys.length);
      expect(double.asked.filter((path) => path.startsWith('/'))).toEqual([]);
      expect(readFileSync(again.path).equals(readFileSync(first.path))).toBe(true);
    }
  });

  it('says of a key that no URL carries why it is not there', async () => {
    const odd = await new R2Double(folder()).listen();
    try {
      await odd.put('originals/../secret.jpg', Buffer.from('x'));
      await odd.put('originals/2025/09/04/heron.jpg', Buffer.from('y'));
      const { complete, metadata } = await backup(r2({ apiUrl: odd.apiUrl }));
      expect(complete).toBe(false);
      expect(metadata.photos.originals).toBe(1);
      expect(metadata.photos.missing).toEqual([
        { key: 'originals/../secret.jpg', reason: 'unaddressable_key', artwork_ids: [] },
      ]);
      expect(odd.asked.filter((path) => path.includes('secret'))).toEqual([]);
    } finally {
      await odd.close();
    }
  });

  it('makes a data dump as well', async () => {
    const paint = { width: 900, height: 600, channels: 3 as const, background: '#246' };
    const heron = await sharp({ create: paint }).jpeg().toBuffer();
    const dumped = await new R2Double(folder()).listen();
    try {
      await dumped.put('originals/2025/09/04/heron.jpg', heron);
      const photos = r2({ apiUrl: dumped.apiUrl });
      const { complete, metadata } = await createDataDump({
        database: { file },
        photos,
        outputDir: folder(),
        now,
      });
      expect(complete).toBe(true);
      expect(metadata.counts.total_photos).toBe(1);
    } finally {
      await dumped.close();
    }
  });
});

describe('what fails on the way', () => {
  it('once leaves nothing out, whichever request it is', async () => {
    const expected = index(await backup(r2()));
    double.behave({ page: 3 });
    await backup(r2(), { concurrency: 1 });
    const requests = double.asked.length;
    expect(requests).toBe(3 + keys.length);
    const tryEach = async (fault: Fault, which: number): Promise<void> => {
      const twin = await double.twin({});
      try {
        for (let nth = 2 - (which % 2); nth <= requests; nth += 2) {
          twin.behave({ page: 3, fault: (asked) => (asked === nth ? fault : undefined) });
          const result = await backup(r2({ apiUrl: twin.apiUrl }), { drill: false });
          expect({ nth, fault, same: index(result) }).toEqual({ nth, fault, same: expected });
        }
      } finally {
        await twin.close();
      }
    };
    // The waiting of all of them goes on at the same time.
    await Promise.all(faults.map(tryEach));
  }, 120_000);

  // The waiting of all three goes on at the same time.
  it('for ever ends in one clear error, or an honest archive, in good time', async () => {
    const failing = (fault: (path: string) => Fault | undefined): Promise<R2Double> =>
      double.twin({ fault: (_, path) => fault(path) });
    const twins = await Promise.all([
      failing(() => 'gateway'),
      failing(() => 'reset'),
      failing((path) => (path.startsWith('/') ? 'gateway' : undefined)),
      failing((path) => (path.startsWith('/originals') ? 'gateway' : undefined)),
    ]);
    const [gateway, reset, photos, originals] = twins.map(({ apiUrl }) => ({ apiUrl }));
    const [overloaded, broken, none, some] = await Promise.all([
      failure(gateway),
      failure(reset),
      failure(photos),
      backup(r2(originals)),
    ]);
    await Promise.all(twins.map((twin) => twin.close()));
    expect(overloaded.code).toBe('SOURCE_UNREACHABLE');
    expect(overloaded.text).toMatch(/overloaded or down/);
    expect(broken.code).toBe('SOURCE_UNREACHABLE');
    expect(broken.text).toMatch(/check the network/);
    expect(none.code).toBe('SOURCE_UNREACHABLE');
    expect(none.text).toMatch(/gave no photo at all/);
    expect(some.complete).toBe(false);
    expect(some.metadata.photos.missing.map(({ key, reason }) => [key, reason])).toEqual(
      keys.filter((key) => key.startsWith('originals')).map((key) => [key, 'unavailable']),
    );
  }, 120_000);

  it.each<[object, string, RegExp]>([
    [{ apiToken: 'another' }, 'SOURCE_REFUSED', /permission Workers R2 Storage: Read/],
    [{ accountId: 'f'.repeat(32) }, 'SOURCE_REFUSED', /account id/],
    [{ bucket: 'no-such-bucket' }, 'SOURCE_UNREACHABLE', /no such bucket.*jurisdiction/],
    [{ bucket: '../x' }, 'INVALID_OPTIONS', /photos\.r2\.bucket/],
    [{ accountId: 'a/b' }, 'INVALID_OPTIONS', /photos\.r2\.accountId/],
    [{ apiToken: `${token}\n` }, 'INVALID_OPTIONS', /photos\.r2\.apiToken/],
    [{ apiUrl: 'ftp://x' }, 'INVALID_OPTIONS', /photos\.r2\.apiUrl/],
  ])('by %j is named', async (change, expected, words) => {
    const { code, text } = await failure(change);
    expect(code).toBe(expected);
    expect(text).toMatch(words);
  });

  it('by a listing that goes round in circles is named', async () => {
    double.behave({ page: 2, circular: true });
    const { code, text } = await failure();
    expect(code).toBe('SOURCE_UNREACHABLE');
    expect(text).toMatch(/goes on where it was before/);
  });
});

describe('the command', () => {
  it('takes the token of --remote, where there are no keys for S3', async () => {
    const cwd = folder();
    const env = {
      CLOUDFLARE_ACCOUNT_ID: account,
      CLOUDFLARE_API_TOKEN: token,
      CLOUDFLARE_API_BASE_URL: double.apiUrl,
    };
    const command = ['backup', '--remote', '--database-file', file, '--bucket', bucket, '--json'];
    const { code, stdout, stderr } = await run(command, { cwd, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) as string });
    expect(stdout).toContain('"photos":"r2"');
    expect(stdout + stderr).not.toContain(token);
    const keyless = await run(command, { cwd, env: { ...env, R2_ACCESS_KEY_ID: 'half' } });
    expect(keyless.code).toBe(2);
    expect(keyless.stderr).toContain('R2_SECRET_ACCESS_KEY');
  });
});
