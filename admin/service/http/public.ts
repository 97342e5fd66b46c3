/** Published dumps out of a folder, for the world: with ranges and conditions, and nothing that is not published. */

import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Hono } from 'hono';

import { codeOf } from '../codes.js';
import { failure, Problem } from '../envelope.js';
import type { Catalogue } from '../storage/catalogue.js';
import type { FolderStore } from '../storage/folder.js';
import { indexKey, latestKey, ownerOf, prefix } from '../storage/names.js';
import { unavailable } from '../storage/store.js';
import { secure } from './security.js';

/** Anybody may read a public dump from any page. */
const shared = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'accept-ranges, content-range, etag',
  'cross-origin-resource-policy': 'cross-origin',
  'accept-ranges': 'bytes',
};

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What of the file is sent, if anything. */
  readonly part?: Range;
}

export function publicDumps(store: FolderStore, catalogue: Catalogue): Hono {
  const app = new Hono();
  app.use(`/${prefix}*`, secure);
  app.get(`/${prefix}*`, async (context) => {
    const key = new URL(context.req.url).pathname.slice(1);
    const isPublished =
      isPointer(key) || (await catalogue.published(ownerOf(key)?.id ?? '')) !== undefined;
    // One and the same file from its size to its last byte: by its name it may be another one in between.
    const opened = isPublished ? await openFile(store.pathOf(key)) : undefined;
    if (opened === undefined)
      throw new Problem(404, 'NOT_FOUND', 'There is no such file', { headers: shared });

    const { file, stats } = opened;
    const { status, headers, part } = answerTo(context.req.raw, key, stats);
    if (part !== undefined) {
      return new Response(bodyOf(file, part), { status, headers });
    }
    await file.close();
    if (status === 416)
      throw new Problem(416, 'RANGE_NOT_SATISFIABLE', 'The file has no such part', { headers });
    return new Response(null, { status, headers });
  });
  app.all(`/${prefix}*`, (context) =>
    context.json(failure(new Problem(405, 'METHOD_NOT_ALLOWED', 'Dumps can only be read')), 405, {
      allow: 'GET, HEAD',
    }),
  );
  return app;
}

/** A file, open; undefined when there is none. One that is there and cannot be had is a Problem of the storage. */
async function openFile(path: string): Promise<{ file: FileHandle; stats: Stats } | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return { file, stats: await file.stat() };
  } catch (error) {
    await file?.close();
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unavailable(error, 'fails: try again later');
  }
}

/** A part of a file, which is closed at its end. Of `Readable.toWeb` the process dies now and then when a client goes. */
function bodyOf(file: FileHandle, part: Range): ReadableStream<Uint8Array> {
  const source = file.createReadStream(part);
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      source.destroy();
    },
  });
}

function isPointer(key: string): boolean {
  return key === indexKey || key === latestKey;
}

function answerTo({ method, headers: asked }: Request, key: string, found: Stats): Answer {
  const etag = `"${found.ino.toString(36)}-${found.size.toString(36)}-${found.mtimeMs.toString(36)}"`;
  const common = {
    ...shared,
    etag,
    'last-modified': found.mtime.toUTCString(),
    'cache-control': isPointer(key) ? 'no-cache' : 'public, max-age=31536000, immutable',
    'content-type': key.endsWith('.json') ? 'application/json' : 'application/zip',
  };
  // Compared weakly, as RFC 9110 has it: what packs an answer on its way marks its tag so.
  const had = asked.get('if-none-match')?.split(/ *, */);
  const isHad =
    had === undefined
      ? // A pointer may be replaced twice within the second that such a time tells.
        !isPointer(key) &&
        Date.parse(asked.get('if-modified-since') ?? '') >= Date.parse(common['last-modified'])
      : had.some((tag) => ['*', etag, `W/${etag}`].includes(tag));
  if (isHad) return { status: 304, headers: common };
  // A HEAD sends nothing of which there could be a part.
  const header = method === 'HEAD' ? null : asked.get('range');
  const ifRange = asked.get('if-range');
  const isCurrent =
    ifRange === null ||
    ifRange === etag ||
    (!isPointer(key) && ifRange === common['last-modified']);
  const range = header === null || !isCurrent ? undefined : parse(header, found.size);
  if (range === null) {
    return { status: 416, headers: { ...shared, 'content-range': `bytes */${found.size}` } };
  }
  const { start, end } = range ?? { start: 0, end: found.size - 1 };
  const headers = {
    ...common,
    'content-length': String(end - start + 1),
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${found.size}` }),
  };
  const status = range === undefined ? 200 : 206;
  return method === 'HEAD' || end < start
    ? { status, headers }
    : { status, headers, part: { start, end } };
}

/** One range of bytes. Undefined for what a server may ignore, null for what it cannot give. */
function parse(header: string, size: number): Range | undefined | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? null : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? null : { start, end };
}
