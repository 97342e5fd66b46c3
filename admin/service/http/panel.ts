/** The panel's files: a handful, read once. */

import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Hono } from 'hono';

import { codeOf } from '../codes.js';
import { Problem } from '../envelope.js';
import { secure } from './security.js';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export function panel(folder: string): Hono {
  const files = readFiles(folder);
  const app = new Hono();
  app.use('/admin/*', secure);
  app.get('/admin', (context) => context.redirect('/admin/', 308));
  app.get('/admin/*', (context) => {
    const name = new URL(context.req.url).pathname.slice('/admin/'.length);
    const path = name === '' ? 'index.html' : name;
    const body = files.get(path);
    if (body === undefined) throw new Problem(404, 'NOT_FOUND', 'There is no such page');
    const isHashed = path.startsWith('assets/');
    return new Response(Uint8Array.from(body), {
      headers: {
        'content-type': types[extname(path)] ?? 'application/octet-stream',
        'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
    });
  });
  return app;
}

function readFiles(folder: string): ReadonlyMap<string, Buffer> {
  try {
    return new Map(filesBelow(folder, ''));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}

/** Every file at any depth, by its path in a URL. `recursive` does not tell where a file lies before Node 20.12. */
function filesBelow(folder: string, prefix: string): [path: string, body: Buffer][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = `${prefix}${entry.name}`;
    return entry.isDirectory() ? filesBelow(path, `${name}/`) : [[name, readFileSync(path)]];
  });
}
