/** Photos below a public URL, which cannot list: what is one, what is none, and what is there already. */

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

import { type BackupResult, createBackup, createDataDump, previewBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { full } from './support/random';
import { give, type Handler, held, missing, options, photo, Site } from './support/site';

const refuse: Handler = (_, response) => response.writeHead(403).end();

afterAll(removeFolders);

/** Answers with a page, with the status of success. */
function page(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>');
}

describe('an earlier backup', () => {
  type Case = [how: string, headers: OutgoingHttpHeaders, status: number, reused: number];
  const modified = { 'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT' };
  it.each<Case>([
    ['has what the server marks as unchanged', modified, 200, 1],
    ['is not believed where an ETag is weak', { ...modified, etag: 'W/"one"' }, 200, 0],
    ['is not believed where no time is told', {}, 200, 0],
    ['is not believed where nothing but a GET is answered', modified, 405, 0],
    ['is not believed where a page is sent', { ...modified, 'content-type': 'text/html' }, 200, 0],
  ])('%s', async (_, headers, status, reused) => {
    const asked: string[] = [];
    let version = 'one';
    const site = await Site.listen(({ method = '', url = '' }, response) => {
      const name = url.split('/').at(-1) ?? '';
      asked.push(`${method} ${name}`);
      const etag = name === 'changes.jpg' ? { etag: `"${version}"` } : {};
      if (!['changes.jpg', 'stays.jpg'].includes(name)) response.writeHead(404).end();
      else if (method === 'HEAD') response.writeHead(status, { ...seen(headers), ...etag }).end();
      else give(response, { ...modified, ...etag, ...('etag' in headers ? headers : {}) });
    });
    const seen = (told: OutgoingHttpHeaders): OutgoingHttpHeaders => ({
      'content-type': 'image/jpeg',
      'content-length': photo.length,
      etag: '"one"',
      ...told,
    });
    // What was not asked for again counts as there: the originals that approval copied need not be looked for.
    const keys = ['artworks/changes.jpg', 'artworks/stays.jpg'];
    const given = options(site.url, keys, { now: '2026-01-02T03:04:05Z' });
    const { path: reuseFrom } = await createBackup(given);
    version = 'two';
    asked.length = 0;
    const again = { ...given, reuseFrom, outputDir: folder() };
    expect((await previewBackup(again)).photos?.reusable).toBe(reused);
    const result = await createBackup(again);
    expect(result).toMatchObject({ complete: true, reusedPhotos: reused, warnings: [] });
    expect(held(result)).toEqual(keys);
    const fetched = reused === 1 ? ['GET changes.jpg'] : ['GET changes.jpg', 'GET stays.jpg'];
    expect(asked.filter((line) => / (changes|stays)/.test(line) && line.startsWith('G'))).toEqual(
      fetched,
    );
  });

  it('has all that a server has which refuses whatever it has not', async () => {
    const site = await Site.listen(({ url = '' }, response) => {
      if (url.endsWith('/originals/1.jpg')) give(response, modified);
      else response.writeHead(403).end();
    }, refuse);
    const given = options(site.url, ['originals/1.jpg']);
    const { path: reuseFrom } = await createBackup({ ...given, now: '2026-01-02T03:04:05Z' });
    const result = await createBackup({ ...given, reuseFrom, outputDir: folder() });
    expect(result).toMatchObject({ complete: true, reusedPhotos: 1, warnings: [] });
  });
});

describe('a photo', () => {
  it('is not packed by a server that packs whatever may be', async () => {
    const site = await Site.listen(({ headers }, response) => {
      if (headers['accept-encoding'] === 'identity') give(response);
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(photo));
    });
    const { metadata } = await createBackup(options(site.url, ['originals/1.jpg']));
    expect(metadata.photos.bytes).toBe(photo.length);
  });

  const bodies: [reason: string, answer: Handler][] = [
    [
      'too_large',
      (_, response) => {
        response.writeHead(200, { 'content-length': String((1 << 30) + 1) }).write(photo);
      },
    ],
    [
      'bad_length',
      ({ socket }) => {
        // Without a length, and without an end.
        const more = (): void => {
          while (socket.write(photo));
        };
        socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n');
        socket.on('drain', more);
        more();
      },
    ],
    [
      'bad_checksum',
      (_, response) => {
        give(response, { etag: '"d41d8cd98f00b204e9800998ecf8427e"' });
      },
    ],
    ['refused', (_, response) => response.writeHead(403).end()],
    ['unreadable', (_, response) => response.writeHead(418).end()],
  ];

  it.each(bodies)(
    'that is not one is not taken, nor read to its end: %s',
    async (reason, answer) => {
      let sent = 0;
      const site = await Site.listen((request, response) => {
        const { url = '', socket } = request;
        response.on('close', () => (sent += socket.bytesWritten));
        if (url.endsWith('2.jpg')) answer(request, response);
        else give(response);
      });
      const result = await createBackup(
        options(site.url, ['originals/1.jpg', 'originals/2.jpg', 'originals/3.jpg']),
      );
      expect(held(result)).toEqual(['originals/1.jpg', 'originals/3.jpg']);
      expect(missing(result)).toEqual({ 'originals/2.jpg': reason });
      expect(sent).toBeLessThan(100_000_000);
    },
  );

  it('that a page stands for is one that the server does not have', async () => {
    const site = await Site.listen(
      ({ url = '' }, response) => {
        if (url.endsWith('/1.jpg')) give(response);
        else page(response);
      },
      (_, response) => {
        page(response);
      },
    );
    const { complete, metadata } = await createBackup(
      options(site.url, ['originals/1.jpg', 'originals/2.jpg']),
    );
    expect(complete).toBe(true);
    expect(metadata.photos).toMatchObject({ originals: 1, dangling: 1, missing: [] });
  });

  it.each([
    ['a picture', { 'content-type': 'image/png', etag: '"none"' }],
    ['a word', { 'content-type': 'text/plain;charset=UTF-8' }],
  ])(
    'that %s stands for is none: what it is shows at a key that nobody has',
    async (_, headers) => {
      const standIn: Handler = (__, response) =>
        response.writeHead(200, { ...headers, 'content-length': 9 }).end('not found');
      const site = await Site.listen((request, response) => {
        if (request.url?.endsWith('/1.jpg') === true) give(response);
        else standIn(request, response);
      }, standIn);
      const result = await createBackup(options(site.url, ['originals/1.jpg', 'originals/2.jpg']));
      expect(held(result)).toEqual(['originals/1.jpg']);
      expect(result.complete).toBe(true);
      expect(result.metadata.photos).toMatchObject({ originals: 1, thumbnails: 0, dangling: 1 });
    },
  );

  it('that is not where its row says is looked for where approval copied it from', async () => {
    const there = ['/artworks/1.jpg', '/originals/1.jpg', '/originals/2.jpg'];
    const site = await Site.listen(({ url = '' }, response) => {
      if (there.includes(url)) give(response);
      else response.writeHead(url.startsWith('/photos/') ? 403 : 404).end();
    });
    const result = await createBackup(
      options(site.url, ['artworks/1.jpg', 'artworks/2.jpg', 'artworks/3.jpg']),
    );
    expect(held(result)).toEqual(['artworks/1.jpg', 'originals/2.jpg']);
    expect(result.metadata.photos).toMatchObject({ originals: 2, dangling: 1, missing: [] });
    expect(site.asked).not.toContain('/originals/1.jpg');
  });

  it('that a page stands for is none, also when the first request of all fails', async () => {
    const site = await Site.listen(
      ({ url = '' }, response) => {
        if (/\/[az]\.jpg$/.test(url)) give(response);
        else page(response);
      },
      ({ socket }, response) => {
        if (site.asked.length === 1) socket.destroy();
        else page(response);
      },
    );
    const lost = ['b', 'c', 'd', 'e'].map((name) => `originals/lost-${name}.jpg`);
    const result = await createBackup(
      options(site.url, ['originals/a.jpg', ...lost, 'originals/z.jpg']),
    );
    expect(missing(result)).toEqual({});
    expect(held(result)).toEqual(['originals/a.jpg', 'originals/z.jpg']);
    expect(result.complete).toBe(true);
  }, 180_000);

  it('that a page stands for at present is asked for again', async () => {
    const seen = new Set<string>();
    const site = await Site.listen(({ url = '' }, response) => {
      if (!/\/[12]\.jpg$/.test(url)) response.writeHead(404).end();
      else if (seen.has(url)) give(response);
      else {
        seen.add(url);
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>back soon</html>');
      }
    });
    const { complete, metadata } = await createBackup(
      options(site.url, ['originals/1.jpg', 'originals/2.jpg']),
    );
    expect(complete).toBe(true);
    expect(metadata.photos).toMatchObject({ originals: 2, dangling: 0, missing: [] });
  });

  it('that is refused by one reading of its name, and given by another, is there', async () => {
    const site = await Site.listen(({ url = '' }, response) => {
      if (url === '/originals/1.jpg') give(response);
      else response.writeHead(403).end();
    });
    const keys = ['/photos/originals/1.jpg', '/photos/originals/2.jpg'];
    const result = await createBackup(options(site.url, keys));
    expect(held(result)).toEqual(['originals/1.jpg']);
    expect(Object.keys(missing(result))).toEqual(['originals/2.jpg', 'photos/originals/2.jpg']);
    const strict = (some: string[]): Promise<BackupResult> =>
      createBackup(options(site.url, some, { onPhotoError: 'fail' }));
    await expect(strict(keys.slice(0, 1))).resolves.toMatchObject({ complete: true });
    await expect(strict(keys)).rejects.toMatchObject({ code: 'PHOTO_FAILED' });
    // What came is no picture, but it came.
    const { database, photos } = options(site.url, keys);
    const dump = await createDataDump({ database, photos, outputDir: folder() });
    const lost = dump.metadata.photos_missing.map(({ reason }) => reason);
    expect(lost).toEqual(['unsupported_format', 'refused']);
  });

  it('that is refused where no row names it is a guess that was wrong', async () => {
    const site = await Site.listen(({ url = '' }, response) => {
      if (url.endsWith('/1.jpg')) give(response);
      else response.writeHead(403).end();
    });
    const { complete, metadata } = await createBackup(options(site.url, ['originals/1.jpg']));
    expect(complete).toBe(true);
    expect(metadata.photos).toMatchObject({ originals: 1, missing: [] });
  });

  // Half a minute of silence is what a connection is allowed.
  const silences = full ? 3 : 1;
  it(`whose connection stalls ${String(silences)} times is gone on with, or given up`, async () => {
    let stalled = 0;
    const ranges: (string | undefined)[] = [];
    const site = await Site.listen(({ url = '', headers: { range } }, response) => {
      if (!url.endsWith('2.jpg')) give(response);
      else {
        ranges.push(range);
        const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
        const last = String(photo.length - 1);
        response.writeHead(range === undefined ? 200 : 206, {
          'content-length': photo.length - from,
          'content-range': `bytes ${String(from)}-${last}/${String(photo.length)}`,
          etag: '"one"',
        });
        if (stalled === silences) response.end(photo.subarray(from));
        else if (stalled++ === 0) response.write(photo.subarray(0, photo.length / 2));
        else response.flushHeaders();
      }
    });
    const keys = ['originals/1.jpg', 'originals/2.jpg'];
    const result = await createBackup(options(site.url, keys));
    if (full) {
      expect(missing(result)).toEqual({ 'originals/2.jpg': 'timeout' });
      expect(ranges).toHaveLength(3);
    } else {
      expect(result.complete).toBe(true);
      expect(held(result)).toEqual(keys);
      expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    }
  }, 180_000);
});

it.each([
  ['ftp://photos.example/', /publicUrl/],
  ['photos.example', /publicUrl/],
  ['https://user:secret@photos.example/', /publicUrl/],
  ['https://photos.example/?token=secret', /publicUrl/],
])('the base %s is none', async (base, words) => {
  const outputDir = folder();
  const failing = createBackup(options(base, ['originals/1.jpg'], { outputDir }));
  await expect(failing).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringMatching(words) as string,
  });
  await expect(failing).rejects.not.toMatchObject({
    message: expect.stringContaining('secret') as string,
  });
  expect(listing(outputDir)).toEqual([]);
});
