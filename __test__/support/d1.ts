/**
 * D1's REST API as far as a backup uses it, on real SQLite: what it does to values, what it refuses, and the faults
 * that a network and a live site add. Values pass through JavaScript's numbers, as at Cloudflare.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';

import { DatabaseSync } from '@photostructure/sqlite';

import { patient } from './server';

export type Database = InstanceType<typeof DatabaseSync>;

export const account = '0123456789abcdef0123456789abcdef';
export const databaseId = '3f1c9a52-7b64-4c0e-9d2a-5e8f00112233';
export const token = 'secret-token-of-the-double';

/** What goes wrong with one request; text is what D1 says of it. */
export type Fault =
  | 'limit'
  | 'gateway'
  | 'login'
  | 'reset'
  | 'half'
  | 'internal'
  | 'memory'
  | { readonly text: string };
export const faults: readonly Fault[] = [
  'limit',
  'gateway',
  'login',
  'reset',
  'half',
  'internal',
  'memory',
];

export interface DoubleOptions {
  /** Whether answers say how large the database is; without, it is read in pages. Default true. */
  readonly size?: boolean;
  /** What becomes of the nth request, counted from 1, and of what it asks. */
  readonly fault?: (nth: number, body: string) => Fault | undefined;
  /** What becomes of the nth answer to statements. */
  readonly change?: (result: Result[], statements: readonly Statement[], nth: number) => void;
  /** Milliseconds before each answer. Default 0. */
  readonly latency?: number;
  /** Called before each request, as the site that writes meanwhile. */
  readonly meanwhile?: (database: Database, nth: number) => void;
}

/** What the API answers to one statement. */
export interface Result {
  results?: { rows?: unknown } | unknown[] | null;
  success: boolean;
}

interface Statement {
  readonly sql: string;
  readonly params?: readonly string[];
}

class Refusal extends Error {}

export class D1Double {
  /** Every statement that was sent. */
  readonly statements: string[] = [];
  /** When each request came, in milliseconds. */
  readonly times: number[] = [];
  /** What the site itself writes with. */
  readonly database: Database;
  readonly #options: DoubleOptions;
  readonly #server = createServer(patient, (request, response) => {
    void this.#handle(request, response);
  });

  constructor(file: string, options: DoubleOptions = {}) {
    this.database = new DatabaseSync(file);
    this.#options = options;
  }

  get requests(): number {
    return this.times.length;
  }

  async listen(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/client/v4`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    this.database.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const piece of request) body.push(piece as Buffer);
    const nth = this.times.push(Date.now());
    this.#options.meanwhile?.(this.database, nth);
    await sleep(this.#options.latency ?? 0);
    const fault = this.#options.fault?.(nth, Buffer.concat(body).toString());
    if (fault !== undefined && fault !== 'half') {
      fail(response, fault);
      return;
    }
    const { status, envelope } = this.#answer(request, Buffer.concat(body).toString());
    const text = JSON.stringify(envelope);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ratelimit: '"default";r=50;t=30',
    });
    if (fault === undefined) {
      response.end(text);
      return;
    }
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  }

  #answer(request: IncomingMessage, body: string): { status: number; envelope: object } {
    if (request.headers.authorization !== `Bearer ${token}`) return refusal(401, 10000, 'Auth');
    const path = /^\/client\/v4\/accounts\/([^/]+)\/d1\/database\/([^/]+)\/(raw|query)$/.exec(
      request.url ?? '',
    );
    if (request.method !== 'POST' || path === null) return refusal(404, 7003, 'No route');
    if (path[1] !== account) return refusal(403, 7403, 'The given account is not valid');
    if (!/^[0-9a-f-]{36}$/.test(path[2] ?? '')) return refusal(400, 7400, 'failed to decode id');
    if (path[2] !== databaseId) return refusal(404, 7404, `The database could not be found`);
    const asked = JSON.parse(body) as Statement | { batch: Statement[] };
    try {
      const statements = 'batch' in asked ? asked.batch : [asked];
      const run = path[3] === 'raw' ? this.#run.bind(this) : this.#query.bind(this);
      const result = statements.map(run);
      this.#options.change?.(result, statements, this.times.length);
      return { status: 200, envelope: { success: true, errors: [], messages: [], result } };
    } catch (error) {
      // Not `instanceof`: SQLite's errors are not of jest's realm.
      if (!isNativeError(error)) throw error;
      return refusal(400, 7500, `${error.message}: SQLITE_ERROR`);
    }
  }

  /** A batch is one transaction: nothing else runs between its statements. */
  #run({ sql }: Statement): Result {
    this.statements.push(sql);
    if (sql.length > 100_000) throw new Refusal('statement too long: SQLITE_TOOBIG');
    if (/_cf_/i.test(sql)) throw new Refusal('not authorized: SQLITE_AUTH');
    const statement = this.database.prepare(sql);
    const columns = statement.columns().map(({ name }) => name);
    if (columns.length > 100) throw new Refusal('too many columns in result set');
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const rows = (statement.all() as unknown as unknown[][]).map((row) => row.map(throughJson));
    const meta = this.#options.size === false ? {} : { size_after: this.#size() };
    return Object.assign({ success: true, results: { columns, rows } }, { meta });
  }

  /** As `#run`, with rows as objects: names that occur twice are one. */
  #query({ sql, params = [] }: Statement): Result {
    this.statements.push(sql);
    const results = this.database.prepare(sql).all(...params);
    return { success: true, results };
  }

  #size(): number {
    const { pages } = this.database
      .prepare('SELECT page_count pages FROM pragma_page_count')
      .get() as {
      pages: number;
    };
    return pages * 4096;
  }
}

function throughJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return [...value];
  if (typeof value === 'string' && value.length > 2_000_000) {
    throw new Refusal('string or blob too big: SQLITE_TOOBIG');
  }
  return value;
}

function refusal(
  status: number,
  code: number,
  message: string,
): { status: number; envelope: object } {
  return {
    status,
    envelope: { success: false, errors: [{ code, message }], messages: [], result: null },
  };
}

function fail(response: ServerResponse, fault: Exclude<Fault, 'half'>): void {
  const json = (status: number, code: number, message: string, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(refusal(status, code, message).envelope));
  };
  if (typeof fault === 'object') {
    json(500, 7500, fault.text);
    return;
  }
  switch (fault) {
    case 'limit':
      json(429, 971, 'Please wait and consider throttling your request speed', {
        'retry-after': '1',
      });
      break;
    case 'gateway':
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
      break;
    case 'login':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>');
      break;
    case 'reset':
      response.socket?.resetAndDestroy();
      break;
    case 'internal':
      json(500, 7500, 'D1_ERROR: Network connection lost.');
      break;
    case 'memory':
      json(500, 7500, "D1 DB's isolate exceeded its memory limit and was reset.");
      break;
  }
}
