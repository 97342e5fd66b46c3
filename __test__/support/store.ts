/** A bucket that answers as it is told, by S3, by Cloudflare's API and below a public URL. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { BackupOptions } from '../../index.js';
import { patient } from './server';

export interface Photo {
  readonly key: string;
  readonly body: Buffer;
}

/** What a listing says of a photo, where that is not the truth. */
export interface Said {
  readonly size?: string;
  readonly etag?: string;
}

/** Whether a request was answered; otherwise the bucket does. */
export type Answer = (asked: URL, response: ServerResponse, nth: number) => boolean;

type Photos = NonNullable<BackupOptions['photos']>;

const written = '2025-01-01T00:00:00.000Z';

export function md5(body: Buffer | string): string {
  return createHash('md5').update(body).digest('hex');
}

/** A page of a listing by S3, with what says how it goes on. */
export function page(photos: readonly Photo[], end = '', said: Said = {}): string {
  const contents = photos.map(
    ({ key, body }) => `<Contents><Key>${key}</Key><LastModified>${written}</LastModified>
      <ETag>&quot;${said.etag ?? md5(body)}&quot;</ETag>
      <Size>${said.size ?? String(body.length)}</Size></Contents>`,
  );
  return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
    ${contents.join('')}${end}</ListBucketResult>`;
}

/** The same by Cloudflare's API. */
export function result(photos: readonly Photo[], info: object = {}): object {
  const objects = photos.map(({ key, body }) => ({
    key,
    size: body.length,
    etag: md5(body),
    last_modified: written,
  }));
  return { success: true, errors: [], result: objects, result_info: info };
}

export function send(
  response: ServerResponse,
  body: Buffer | string,
  headers: OutgoingHttpHeaders = {},
  status = 200,
): true {
  const length = { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...length, ...headers }).end(body);
  return true;
}

export function json(response: ServerResponse, answer: object): true {
  return send(response, JSON.stringify(answer), { 'content-type': 'application/json' });
}

export class Store {
  /** How often it was asked to list. */
  listed = 0;
  readonly #server = createServer(patient, (request, response) => {
    const asked = new URL(request.url ?? '/', 'http://store');
    const isList = asked.searchParams.has('list-type') || asked.pathname.endsWith('/objects');
    if (isList) this.listed += 1;
    if ((isList ? this.list : this.get)(asked, response, this.listed)) return;
    if (asked.searchParams.has('list-type')) send(response, page(this.photos));
    else if (isList) json(response, result(this.photos));
    else this.#give(decodeURIComponent(asked.pathname), response);
  });

  private constructor(
    readonly photos: readonly Photo[],
    readonly list: Answer,
    readonly get: Answer,
  ) {}

  static async listen(
    photos: readonly Photo[],
    { list = (): boolean => false, get = (): boolean => false }: { list?: Answer; get?: Answer },
  ): Promise<Store> {
    const store = new Store(photos, list, get);
    await once(store.#server.listen(0, '127.0.0.1'), 'listening');
    return store;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  get s3(): Photos {
    const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret-of-the-double' };
    return { s3: { endpoint: this.#url, bucket: 'b', ...credentials } };
  }

  get r2(): Photos {
    return { r2: { accountId: 'a', bucket: 'b', apiToken: 'token-of-it', apiUrl: this.#url } };
  }

  get public(): Photos {
    return { publicUrl: this.#url };
  }

  #give(path: string, response: ServerResponse): void {
    const photo = this.photos.find(({ key }) => path.endsWith(`/${key}`));
    if (photo === undefined) {
      response.writeHead(404).end();
      return;
    }
    const time = new Date(written).toUTCString();
    send(response, photo.body, { etag: `"${md5(photo.body)}"`, 'last-modified': time });
  }
}
