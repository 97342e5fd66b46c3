/** Web servers that photos are read from by a public URL, and backups of what they serve. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import type { BackupOptions, BackupResult } from '../../index.js';
import { folder } from '../support';
import { patient } from './server';
import { entry, sqlite } from './tools';

export const photo = Buffer.alloc(2_000_000, 'photo ');

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server, and everything that was asked of it. */
export class Site {
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(handler: Handler, variants: Handler) {
    this.#server = createServer(patient, (request, response) => {
      const { url = '' } = request;
      this.asked.push(url);
      (/__\d|\/thumbnails\/|\/no-such-photo/.test(url) ? variants : handler)(request, response);
    });
  }

  /**
   * A public URL cannot list: `variants` are guessed, and as a rule none is there. So is a key that nobody has, which
   * tells how the server says that.
   */
  static async listen(handler: Handler, variants: Handler = none): Promise<Site> {
    const site = new Site(handler, variants);
    await once(site.#server.listen(0, '127.0.0.1'), 'listening');
    sites.push(site);
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const none: Handler = (_, response) => response.writeHead(404).end();
const sites: Site[] = [];

afterEach(() => {
  for (const site of sites.splice(0)) site.close();
});

/** Answers with the photo. */
export function give(response: ServerResponse, headers = {}): void {
  response.writeHead(200, {
    'content-type': 'image/jpeg',
    'content-length': photo.length,
    etag: '"one"',
    ...headers,
  });
  response.end(photo);
}

/** Of a backup of one work with these photos, from below this address. */
export function options(base: string, photos: readonly string[], change = {}): BackupOptions {
  const file = join(folder(), 'archive.sqlite');
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  sqlite(
    file,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w', ${text(JSON.stringify(photos))}, 'approved')`,
  );
  return {
    database: { file },
    photos: { publicUrl: base },
    outputDir: folder(),
    // In their order: the first shows that the server is sound.
    concurrency: 1,
    drill: false,
    ...change,
  };
}

/** Why photos are missing, by their key. */
export function missing({ metadata }: BackupResult): Record<string, string> {
  return Object.fromEntries(metadata.photos.missing.map(({ key, reason }) => [key, reason]));
}

/** The keys that it holds. */
export function held({ path }: BackupResult): string[] {
  const index = JSON.parse(entry(path, 'photos/index.json')) as { key: string }[];
  return index.map(({ key }) => key);
}
