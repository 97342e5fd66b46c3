/**
 * Cloudflare's REST API for the objects of a bucket, as far as a backup uses it, on miniflare's real R2: its pages, its
 * errors, and the faults that a network adds. The same bucket is served by S3 and lies in wrangler's local state.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Miniflare } from 'miniflare';

import { patient } from './server';

export const account = '0123456789abcdef0123456789abcdef';
export const token = 'secret-token-of-the-double';
export const bucket = 'photos-bucket';
const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'SECRETTEST' };

/** What goes wrong with one request. */
export type Fault = 'limit' | 'gateway' | 'reset' | 'half' | 'internal';
export const faults: readonly Fault[] = ['limit', 'gateway', 'reset', 'half', 'internal'];

/** How the double behaves; to be changed at any time. */
export interface Behaviour {
  /** Objects in a page, however many are asked for. */
  page: number;
  /** Whether `is_truncated` is text, as in miniflare's own copy of the API. */
  textual: boolean;
  /** Whether bodies come in chunks, without their length and without an ETag. */
  chunked: boolean;
  /** Whether every page says that the listing goes on where it began. */
  circular: boolean;
  /** What becomes of the nth request, counted from 1. */
  fault: (nth: number, path: string) => Fault | undefined;
}

/** An object as the bucket's Worker describes it. */
interface Stored {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly uploaded: string;
  readonly httpMetadata: Readonly<Record<string, string>>;
  readonly customMetadata: Readonly<Record<string, string>>;
}

interface Listed {
  readonly objects: readonly Stored[];
  readonly truncated: boolean;
  readonly cursor?: string;
}

/** Hands the bucket over as it is. (Miniflare's own proxy of a binding blocks the thread that this server runs on.) */
const worker = `
  const describe = ({ key, size, etag, uploaded, httpMetadata, customMetadata }) =>
    ({ key, size, etag, uploaded, httpMetadata, customMetadata });
  const cacheExpiry = ({ cacheExpiry, ...rest }) =>
    ({ ...rest, ...(cacheExpiry ? { cacheExpiry: new Date(cacheExpiry) } : {}) });
  export default {
    async fetch(request, { B }) {
      const { op, key, options } = JSON.parse(decodeURIComponent(request.headers.get('x-call')));
      if (op === 'list') {
        const { objects, truncated, cursor } = await B.list(options);
        return Response.json({ objects: objects.map(describe), truncated, cursor });
      }
      if (op === 'delete') {
        await B.delete(key);
        return new Response(null);
      }
      if (op === 'put') {
        const httpMetadata = cacheExpiry(options.httpMetadata ?? {});
        await B.put(key, await request.arrayBuffer(), { ...options, httpMetadata });
        return new Response(null);
      }
      const found = await B.get(key);
      if (found === null) return new Response(null, { status: 404 });
      return new Response(found.body, { headers: { 'x-object': encodeURIComponent(JSON.stringify(describe(found))) } });
    },
  };`;

const sound: Behaviour = {
  page: 1000,
  textual: false,
  chunked: false,
  circular: false,
  fault: () => undefined,
};

export class R2Double {
  /** What was asked for, without the part that names the bucket. */
  readonly asked: string[] = [];
  behaviour = sound;
  readonly #miniflare: Miniflare | undefined;
  #url!: URL;
  #s3 = '';
  readonly #server = createServer(patient, (request, response) => {
    // The bucket closes while somebody who gave up still has a request on its way.
    this.#handle(request, response).catch(() => response.destroy());
  });

  /** `served` is the address of another double's bucket; without it this one has a bucket of its own in `state`. */
  constructor(
    readonly state: string,
    served?: URL,
  ) {
    if (served !== undefined) this.#url = served;
    this.#miniflare = served === undefined ? this.#bucket() : undefined;
  }

  #bucket(): Miniflare {
    return new Miniflare({
      modules: true,
      script: worker,
      compatibilityDate: '2026-01-01',
      host: '127.0.0.1',
      port: 0,
      unsafeLocalExplorer: true,
      handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
        stdout.resume();
        stderr.resume();
      },
      r2Buckets: { B: { id: bucket, s3Credentials: credentials } },
      r2Persist: join(this.state, 'r2'),
    });
  }

  async listen(): Promise<this> {
    if (this.#miniflare !== undefined) this.#url = await this.#miniflare.ready;
    this.#s3 = new URL('/cdn-cgi/local/r2/s3', this.#url).href;
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  /** Another server on the same bucket, which behaves on its own. */
  async twin(change: Partial<Behaviour>): Promise<R2Double> {
    const twin = await new R2Double(this.state, this.#url).listen();
    twin.behave(change);
    return twin;
  }

  /** From now on it behaves so, and has been asked for nothing. */
  behave(change: Partial<Behaviour> = {}): void {
    this.behaviour = { ...sound, ...change };
    this.asked.length = 0;
  }

  async put(key: string, body: Buffer, options: object = {}): Promise<void> {
    const put = await this.#call({ op: 'put', key, options }, { method: 'PUT', body });
    if (!put.ok) throw new Error(`the bucket does not take ${key}`);
  }

  async get(key: string): Promise<Buffer> {
    return Buffer.from(await (await this.#call({ op: 'get', key })).arrayBuffer());
  }

  /** The keys that it holds; of a page at most. */
  async keys(): Promise<string[]> {
    const listed = await this.#call({ op: 'list', options: {} });
    return ((await listed.json()) as Listed).objects.map(({ key }) => key);
  }

  /** Removes all that [keys] names. */
  async clear(): Promise<void> {
    for (const key of await this.keys()) await this.#call({ op: 'delete', key });
  }

  #call(call: object, init: RequestInit = {}): Promise<Response> {
    const headers = { 'x-call': encodeURIComponent(JSON.stringify(call)) };
    const ask = (): Promise<Response> => fetch(this.#url, { ...init, headers });
    // workerd closes a connection that was idle for some seconds, also when it is being used again.
    return ask().catch(ask);
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/client/v4`;
  }

  /** Where anybody may read the bucket's photos and nobody may list them. */
  get publicUrl(): string {
    return new URL(`/cdn-cgi/local/r2/public/${bucket}/`, this.#url).href;
  }

  get s3(): { endpoint: string; bucket: string } & typeof credentials {
    return { endpoint: this.#s3, bucket, ...credentials };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    await this.#miniflare?.dispose();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const path = /^\/client\/v4\/accounts\/([^/]+)\/r2\/buckets\/([^/]+)\/objects(.*)$/.exec(url);
    const rest = path?.[3] ?? url;
    this.asked.push(rest);
    const fault = this.behaviour.fault(this.asked.length, rest);
    if (fault !== undefined && fault !== 'half') {
      fail(response, fault);
      return;
    }
    const refused = refusal(request, path);
    if (refused !== undefined) {
      json(response, refused.status, error(refused.code, refused.message));
    } else if (rest.startsWith('/')) {
      await this.#get(rest.slice(1), response, fault);
    } else {
      await this.#list(new URLSearchParams(rest.slice(1)), response, fault);
    }
  }

  async #list(query: URLSearchParams, response: ServerResponse, fault?: 'half'): Promise<void> {
    const perPage = Number(query.get('per_page') ?? 20);
    if (!Number.isInteger(perPage) || perPage < 1 || perPage > 1000) {
      json(response, 400, error(10_001, 'per_page'));
      return;
    }
    const { page, textual, circular } = this.behaviour;
    const options = {
      limit: Math.min(perPage, page),
      include: ['httpMetadata', 'customMetadata'],
      ...(query.has('cursor') && !circular ? { cursor: query.get('cursor') } : {}),
    };
    const listed = await this.#call({ op: 'list', options });
    const { objects, truncated, cursor } = (await listed.json()) as Listed;
    const result = objects.map(({ key, size, etag, uploaded, httpMetadata, customMetadata }) => ({
      key,
      size,
      etag,
      last_modified: uploaded,
      http_metadata: httpMetadata,
      custom_metadata: customMetadata,
      storage_class: 'Standard',
      ssec: false,
    }));
    const info = {
      ...(truncated ? { cursor } : {}),
      is_truncated: textual ? String(truncated) : truncated,
      per_page: perPage,
    };
    const envelope = { success: true, errors: [], messages: [], result, result_info: info };
    json(response, 200, envelope, fault === 'half');
  }

  async #get(path: string, response: ServerResponse, fault?: 'half'): Promise<void> {
    if (/%2f/i.test(path) || path.split('/').some((part) => part === '.' || part === '..')) {
      response.writeHead(403, { 'content-type': 'text/html' }).end('<html>Blocked</html>');
      return;
    }
    const found = await this.#call({ op: 'get', key: decodeURIComponent(path) });
    if (found.status === 404) {
      json(response, 404, error(10_007, 'The specified key does not exist.'));
      return;
    }
    const object = JSON.parse(decodeURIComponent(found.headers.get('x-object') ?? '')) as Stored;
    const bytes = Buffer.from(await found.arrayBuffer());
    // What the API says of itself, not of the object.
    const headers = {
      'content-type': object.httpMetadata['contentType'] ?? 'application/octet-stream',
      'cache-control': 'private, no-store',
      'last-modified': new Date(object.uploaded).toUTCString(),
      'cf-r2-storage-class': 'Standard',
    };
    if (this.behaviour.chunked) {
      response.writeHead(200, headers).write(bytes.subarray(0, bytes.length / 2));
      response.end(bytes.subarray(bytes.length / 2));
      return;
    }
    response.writeHead(200, {
      ...headers,
      etag: `"${object.etag}"`,
      'content-length': bytes.length,
    });
    send(response, bytes, fault === 'half');
  }
}

function refusal(
  { method, headers }: IncomingMessage,
  path: RegExpExecArray | null,
): { status: number; code: number; message: string } | undefined {
  if (headers.authorization !== `Bearer ${token}`) {
    return { status: 403, code: 10_000, message: 'Authentication error' };
  }
  if (method !== 'GET' || path === null) return { status: 404, code: 7003, message: 'No route' };
  if (path[1] !== account) {
    return { status: 403, code: 7403, message: 'The given account is not valid' };
  }
  if (path[2] !== bucket) {
    return { status: 404, code: 10_006, message: 'The specified bucket does not exist.' };
  }
  return undefined;
}

function error(code: number, message: string): object {
  return { success: false, errors: [{ code, message }], messages: [], result: null };
}

function json(response: ServerResponse, status: number, envelope: object, half = false): void {
  const body = Buffer.from(JSON.stringify(envelope));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ratelimit: '"default";r=50;t=30',
  });
  send(response, body, half);
}

function send(response: ServerResponse, body: Buffer, half: boolean): void {
  if (half) response.write(body.subarray(0, body.length / 2), () => response.destroy());
  else response.end(body);
}

function fail(response: ServerResponse, fault: Exclude<Fault, 'half'>): void {
  switch (fault) {
    case 'limit':
      response.setHeader('retry-after', '1');
      json(response, 429, error(971, 'Please wait and consider throttling your request speed'));
      break;
    case 'gateway':
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
      break;
    case 'reset':
      response.socket?.resetAndDestroy();
      break;
    case 'internal':
      json(response, 500, error(10_001, 'We encountered an internal error. Please try again.'));
      break;
  }
}
