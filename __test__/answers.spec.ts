/** Answers that are well-formed and not what was asked for: none of them counts as a photo, or as the end of a list. */

import type { ServerResponse } from 'node:http';
import { join } from 'node:path';

import { type BackupResult, createBackup, restoreBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { type Answer, json, md5, page, result, send, Store } from './support/store';
import { entry, sqlite } from './support/tools';

const [a, b, c] = ['a', 'b', 'c'].map((name) => ({
  key: `originals/${name}.jpg`,
  body: Buffer.from(`photo ${name}`),
})) as [Photo, Photo, Photo];
type Photo = Store['photos'][number];
type Source = 's3' | 'r2' | 'public';

const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>';
const html = '<!DOCTYPE html><html><head><title>Back soon</title></head><body>Soon</body></html>';
const saidError = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>Sorry.</Message></Error>`;

const stores: Store[] = [];
let database: string;

beforeAll(() => {
  database = join(folder(), 'archive.sqlite');
  const photos = JSON.stringify([a, b, c].map(({ key }) => key));
  sqlite(
    database,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w', '${photos}', 'approved')`,
  );
});

afterEach(() => {
  for (const store of stores.splice(0)) store.close();
});
afterAll(removeFolders);

async function store(answers: { list?: Answer; get?: Answer }): Promise<Store> {
  const listening = await Store.listen([a, b, c], answers);
  stores.push(listening);
  return listening;
}

function backup(store: Store, source: Source, outputDir = folder()): Promise<BackupResult> {
  const photos = store[source];
  return createBackup({ database: { file: database }, photos, outputDir, drill: false });
}

/** The keys that a complete backup holds. */
async function held(made: Promise<BackupResult>): Promise<string[]> {
  const { path, complete, metadata } = await made;
  expect({ complete, missing: metadata.photos.missing }).toEqual({ complete: true, missing: [] });
  return (JSON.parse(entry(path, 'photos/index.json')) as Photo[]).map(({ key }) => key);
}

const all = [a.key, b.key, c.key];

/** A listing of two pages, of which the second is what `second` says. */
function pages(second: (response: ServerResponse, nth: number) => true): Answer {
  return (asked, response, nth) => {
    const isFirst = !asked.search.includes('t1');
    if (!isFirst) return second(response, nth);
    return asked.searchParams.has('list-type')
      ? send(response, page([a], more))
      : json(response, result([a], { cursor: 't1', is_truncated: true }));
  };
}

function answer(response: ServerResponse, what: string | object): true {
  return typeof what === 'string' ? send(response, what) : json(response, what);
}

const noPages: [name: string, source: Source, what: string | object][] = [
  ['an error that passes', 's3', saidError('InternalError')],
  ['a page for people', 's3', html],
  ['a document of something else', 's3', '<?xml version="1.0"?><Nothing/>'],
  ['text', 's3', 'soon'],
  ['a photo larger than any', 's3', page([b], '', { size: '18446744073709551615' })],
  ['an envelope without a result', 'r2', { success: true }],
  ['an envelope whose result is null', 'r2', { success: true, errors: [], result: null }],
  ['an envelope of another shape', 'r2', { success: true, result: {} }],
  ['photos larger than any', 'r2', { success: true, result: [{ key: b.key, size: 2 ** 62 }] }],
];

describe('a page of a listing', () => {
  it.each(noPages)('is asked for again when it is %s (%s)', async (_, source, what) => {
    const good = source === 's3' ? page([b, c]) : result([b, c]);
    const list = pages((response, nth) => answer(response, nth === 2 ? what : good));
    expect(await held(backup(await store({ list }), source))).toEqual(all);
  });

  // The waiting of all of them goes on at the same time.
  it('that never comes is an error which says so', async () => {
    const ends = noPages.map(async ([name, source, what]) => {
      const list = pages((response) => answer(response, what));
      const outputDir = folder();
      const made = backup(await store({ list }), source, outputDir);
      const error: unknown = await made.catch((error: unknown) => error);
      const isBusy = name === 'an error that passes';
      const words = isBusy ? /overloaded or down/ : /not those of an S3 store|not of the shape/;
      expect([name, error]).toEqual([
        name,
        expect.objectContaining({
          code: 'SOURCE_UNREACHABLE',
          message: expect.stringMatching(words) as string,
        }),
      ]);
      expect(listing(outputDir)).toEqual([]);
    });
    await Promise.all(ends);
  }, 60_000);

  it('that is an error for good is that error', async () => {
    const list = pages((response) => answer(response, saidError('AccessDenied')));
    const asked = await store({ list });
    await expect(backup(asked, 's3')).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(asked.listed).toBe(2);
  });

  it('goes on where it says, also when it does not say that it does', async () => {
    const token = '<NextContinuationToken>t1</NextContinuationToken>';
    const list: Answer = (asked, response) =>
      send(response, asked.search.includes('t1') ? page([b, c]) : page([a], token));
    expect(await held(backup(await store({ list }), 's3'))).toEqual(all);
  });

  it.each<[string, Source, Answer]>([
    [
      'its places',
      's3',
      (_, response, nth) =>
        send(response, page([], more.replace('t1', ['t1', 't2', 't3'][nth % 3] ?? ''))),
    ],
    [
      'its photos',
      's3',
      (_, response, nth) => send(response, page([a, b], more.replace('t1', String(nth)))),
    ],
    [
      'its places',
      'r2',
      (_, response, nth) =>
        json(response, result([], { is_truncated: true, cursor: ['c1', 'c2'][nth % 2] })),
    ],
  ])('does not go round in circles: by %s (%s)', async (_, source, list) => {
    const asked = await store({ list });
    await expect(backup(asked, source)).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
      message: expect.stringMatching(/goes on where it was before/) as string,
    });
    expect(asked.listed).toBeLessThan(6);
  });
});

const rewritten = {
  etag: `"${md5('another body')}"`,
  'last-modified': 'Wed, 01 Jan 2025 00:00:05 GMT',
};
const noMd5 = { etag: '"0123456789abcdef0123456789abcdef"' };

/** What the second photo is answered with, and the reason that it is missing; none when it is taken. */
const answers: [name: string, sources: Source[], answer: Answer, reason?: string][] = [
  [
    'a page for people',
    ['s3', 'r2'],
    (_, response) => send(response, html, { 'content-type': 'text/html' }),
    'bad_length',
  ],
  [
    'a page as long as the photo',
    ['s3', 'r2'],
    (_, response) => send(response, '<html/>', { 'content-type': 'text/html' }),
    'bad_checksum',
  ],
  [
    "a gateway's page that says there is nothing",
    ['s3', 'r2'],
    (_, response) => send(response, html, { 'content-type': 'text/html' }, 404),
    'unreadable',
  ],
  [
    'the denial of an API',
    ['r2'],
    (_, response) => json(response, { success: false, errors: [{ code: 10_000 }] }),
    'bad_length',
  ],
  ['nothing', ['s3', 'r2'], (_, response) => send(response, ''), 'bad_length'],
  [
    'another length and the ETag of the listing',
    ['s3', 'r2'],
    (_, response) => send(response, 'half', { etag: `"${md5(b.body)}"` }),
    'bad_length',
  ],
  [
    'no content',
    ['s3', 'r2', 'public'],
    (_, response) => send(response, '', { etag: '"x"' }, 204),
    'bad_length',
  ],
  [
    'a part that nobody asked for',
    ['s3', 'r2', 'public'],
    (_, response) => send(response, 'pho', { 'content-range': 'bytes 0-2/7', etag: '"x-1"' }, 206),
    'bad_length',
  ],
  ['what it has become', ['s3', 'r2'], (_, response) => send(response, 'another body', rewritten)],
  [
    'a body in chunks',
    ['s3', 'public'],
    (_, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg' }).write('pho');
      response.end('to b');
      return true;
    },
  ],
  [
    'half a body, until the connection ends',
    ['public'],
    (_, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\npho');
      return true;
    },
    'bad_length',
  ],
  [
    'an ETag that is weak',
    ['s3', 'r2', 'public'],
    (_, response) => send(response, b.body, { etag: `W/${noMd5.etag}` }),
  ],
  [
    'an ETag of what is encrypted by KMS',
    ['s3'],
    (_, response) =>
      send(response, b.body, { ...noMd5, 'x-amz-server-side-encryption': 'aws:kms' }),
  ],
  [
    'an ETag of what is encrypted by the customer',
    ['s3'],
    (_, response) =>
      send(response, b.body, {
        ...noMd5,
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      }),
  ],
];

describe('a photo answered with', () => {
  const cases = answers.flatMap(([name, sources, answer, reason]) =>
    sources.map((source) => [name, source, reason ?? 'taken', answer] as const),
  );
  it.each(cases)('%s (%s): %s', async (_, source, reason, answer) => {
    const get: Answer = (asked, response, nth) =>
      asked.pathname.endsWith(b.key) && answer(asked, response, nth);
    const made = backup(await store({ get }), source);
    if (reason === 'taken') {
      expect(await held(made)).toEqual(all);
      return;
    }
    const { complete, metadata } = await made;
    expect({ complete, missing: metadata.photos.missing }).toEqual({
      complete: false,
      missing: [{ key: b.key, reason, artwork_ids: ['w'] }],
    });
  });
});

it('what a listing tells of a photo is kept when its bytes come from an earlier backup', async () => {
  const first = await backup(await store({}), 's3');
  const told = result([a, b, c]) as { result: object[] };
  const [one, ...others] = told.result;
  const http_metadata = { contentType: 'image/webp', cacheControl: 'no-cache' };
  const list: Answer = (_, response) =>
    json(response, { ...told, result: [{ ...one, http_metadata }, ...others] });
  const get: Answer = (_, response) => send(response, 'nobody asks', {}, 500);
  const second = await createBackup({
    database: { file: database },
    photos: (await store({ list, get })).r2,
    outputDir: folder(),
    reuseFrom: first.path,
  });
  expect({ reused: second.reusedPhotos, complete: second.complete }).toEqual({
    reused: 3,
    complete: true,
  });
  const [photo] = JSON.parse(entry(second.path, 'photos/index.json')) as unknown[];
  expect(photo).toMatchObject({
    key: a.key,
    content_type: 'image/webp',
    http_metadata: { cache_control: 'no-cache' },
  });
});

it.each<[string, Answer, string, RegExp]>([
  [
    'may not be read',
    (_, response) => send(response, saidError('AccessDenied'), {}, 403),
    'SOURCE_REFUSED',
    /originals\/a\.jpg is there and may not be read/,
  ],
  [
    'is another',
    (_, response) => send(response, 'photo z', { etag: `"${md5('photo z')}"` }),
    'TARGET_NOT_EMPTY',
    /something else stands where it belongs/,
  ],
])('a restore says of an object in its way that it %s', async (_, get, code, message) => {
  const { path } = await backup(await store({}), 's3');
  const { s3 } = (await store({ get })).s3;
  await expect(restoreBackup(path, s3 === undefined ? {} : { s3 })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
});

it('a photo as large as a store takes is believed, and the disk is too small for it', async () => {
  const size = String(50 * 2 ** 40);
  const list: Answer = (_, response) => send(response, page([a, b, c], '', { size }));
  await expect(backup(await store({ list }), 's3')).rejects.toMatchObject({ code: 'DISK_FULL' });
});
