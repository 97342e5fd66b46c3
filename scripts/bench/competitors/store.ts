/**
 * `node store.js PHOTOS LATENCY LACKING`: serves a folder as the bucket `photos` by S3 on loopback, for who reads it. Each
 * answer begins LATENCY milliseconds after its request; every LACKING-th photo is left out, none with 0. Signatures are
 * not looked at. Prints its port when it is ready, and ends with its input.
 */

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';

interface Photo {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  readonly modified: Date;
  readonly etag: string;
}

/** What S3 gives in one page at most. */
const pageSize = 1_000;

const [, , folder = '', latency = '0', lacking = '0'] = process.argv;
const photos = held();
const byKey = new Map(photos.map((photo) => [photo.key, photo]));

const server = createServer(({ method, url = '' }, response) => {
  setTimeout(() => {
    const { pathname, searchParams } = new URL(url, 'http://store');
    const key = decodeURIComponent(pathname).replace(/^\/photos\/?/, '');
    if (key === '') list(searchParams, response);
    else give(byKey.get(key), method === 'HEAD', response);
  }, Number(latency));
});
// Longer than any pause between two requests.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().on('end', () => process.exit());

/** In the order in which S3 lists. */
function held(): Photo[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, key: relative(folder, path).split(sep).join('/') }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  return all
    .filter((_, n) => lacking === '0' || n % Number(lacking) !== 0)
    .map(({ path, key }) => {
      const { size, mtime: modified } = statSync(path);
      return { key, path, size, modified, etag: md5(path) };
    });
}

function md5(path: string): string {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}

/** The made keys need no encoding. Both editions: ListObjects goes on behind a key, ListObjectsV2 where a token says. */
function list(query: URLSearchParams, response: ServerResponse): void {
  const after = query.get('marker') ?? query.get('continuation-token');
  const from = after === null ? 0 : photos.findIndex(({ key }) => key === after) + 1;
  const page = photos.slice(from, from + pageSize);
  const last = page.at(-1)?.key ?? '';
  const more = from + page.length < photos.length;
  const contents = page.map(
    ({ key, size, modified, etag }) =>
      `<Contents><Key>${key}</Key><LastModified>${modified.toISOString()}</LastModified>` +
      `<ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size></Contents>`,
  );
  const next = more
    ? `<NextContinuationToken>${last}</NextContinuationToken><NextMarker>${last}</NextMarker>`
    : '';
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(
    `<ListBucketResult><Name>photos</Name><IsTruncated>${more}</IsTruncated>${next}` +
      `${contents.join('')}</ListBucketResult>`,
  );
}

function give(photo: Photo | undefined, headOnly: boolean, response: ServerResponse): void {
  if (photo === undefined) {
    response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    return;
  }
  response.writeHead(200, {
    'content-length': photo.size,
    'content-type': 'image/jpeg',
    etag: `"${photo.etag}"`,
    'last-modified': photo.modified.toUTCString(),
  });
  if (headOnly) response.end();
  else createReadStream(photo.path, { highWaterMark: 1 << 18 }).pipe(response);
}
