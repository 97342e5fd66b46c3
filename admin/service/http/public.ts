/** Published dumps out of a folder, for the world: with ranges and conditions, and nothing that is not published. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Hono } from 'hono';

import { failure, Problem } from '../envelope.js';
import type { Catalogue } from '../storage/catalogue.js';
import type { FolderStore } from '../storage/folder.js';
import { indexKey, latestKey, ownerOf, prefix } from '../storage/names.js';

/** Anybody may read a public dump from any page. */
const open = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'accept-ranges': 'bytes',
};

interface Range {
  readonly start: number;
  readonly end: number;
}

export function publicDumps(store: FolderStore, catalogue: Catalogue): Hono {
  const app = new Hono();
  app.get(`/${prefix}*`, async (context) => {
    const key = new URL(context.req.url).pathname.slice(1);
    const isPointer = key === indexKey || key === latestKey;
    const isPublished =
      isPointer || (await catalogue.published(ownerOf(key)?.id ?? '')) !== undefined;
    const path = store.pathOf(key);
    const found = isPublished ? await stat(path).catch(() => undefined) : undefined;
    if (found === undefined)
      throw new Problem(404, 'NOT_FOUND', 'There is no such file', { headers: open });

    const etag = `"${found.ino.toString(36)}-${found.size.toString(36)}-${found.mtimeMs.toString(36)}"`;
    const common = {
      ...open,
      etag,
      'last-modified': found.mtime.toUTCString(),
      'cache-control': isPointer ? 'no-cache' : 'public, max-age=31536000, immutable',
      'content-type': key.endsWith('.json') ? 'application/json' : 'application/zip',
    };
    if (context.req.header('if-none-match')?.split(/, */).includes(etag) === true) {
      return new Response(null, { status: 304, headers: common });
    }
    const header = context.req.header('range');
    const isCurrent = [undefined, etag, common['last-modified']].includes(
      context.req.header('if-range'),
    );
    const range = header === undefined || !isCurrent ? undefined : parse(header, found.size);
    if (range === null) {
      const headers = { ...open, 'content-range': `bytes */${found.size}` };
      throw new Problem(416, 'RANGE_NOT_SATISFIABLE', 'The file has no such part', { headers });
    }
    const { start, end } = range ?? { start: 0, end: found.size - 1 };
    const headers = {
      ...common,
      'content-length': String(end - start + 1),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${found.size}` }),
    };
    const isHead = context.req.raw.method === 'HEAD' || end < start;
    const body = isHead ? null : Readable.toWeb(createReadStream(path, { start, end }));
    return new Response(body as ReadableStream | null, { status: range ? 206 : 200, headers });
  });
  app.all(`/${prefix}*`, (context) =>
    context.json(failure(new Problem(405, 'METHOD_NOT_ALLOWED', 'Dumps can only be read')), 405, {
      allow: 'GET, HEAD',
    }),
  );
  return app;
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
