/** What goes wrong between here and a store: a proxy that fails requests when it is told to. */

import { createServer, type IncomingMessage, request as ask, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { patient } from './server';

/**
 * What goes wrong with one request: it is refused for now, the store fails, a gateway answers in its place, the
 * connection breaks before the store has it, half of the answer comes, or the store fulfils it and nothing of the
 * answer comes. Where parts become one object it may also fail after an answer has begun, with the status of success:
 * late. And a network may answer with the page on which it wants a login, or with nothing, with the status of success
 * as well.
 */
export type Fault =
  'busy' | 'broken' | 'gateway' | 'reset' | 'half' | 'lost' | 'late' | 'login' | 'nothing';
export const faults: readonly Fault[] = ['busy', 'gateway', 'reset', 'half', 'lost'];

/** A request as the proxy sees it: its number, counted from 1, its method, its path with the query, and its Range. */
export interface Asked {
  readonly nth: number;
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
}

export class FaultProxy {
  readonly asked: Asked[] = [];
  /** Which fault a request meets. */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  /** Called before a request goes on, which waits for it. */
  before: (asked: Asked) => Promise<void> = () => Promise.resolve();
  readonly #server = createServer(patient, (request, response) => {
    void this.#handle(request, response);
  });

  constructor(readonly target: URL) {}

  async listen(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  /** From now on it meets these faults, and has been asked for nothing. */
  behave(fault: (asked: Asked) => Fault | undefined = () => undefined): void {
    this.fault = fault;
    this.before = () => Promise.resolve();
    this.asked.length = 0;
  }

  /** The address of what lies behind it. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}${this.target.pathname.replace(/\/$/, '')}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = {
      nth: this.asked.length + 1,
      method: request.method ?? '',
      path: request.url ?? '',
      range: request.headers.range,
    };
    this.asked.push(asked);
    const fault = this.fault(asked);
    await this.before(asked);
    switch (fault) {
      case 'busy':
        request.resume();
        response.writeHead(503, { 'content-type': 'application/xml' });
        response.end('<Error><Code>SlowDown</Code><Message>Please wait</Message></Error>');
        break;
      case 'broken':
        request.resume();
        response.writeHead(500, { 'content-type': 'application/xml' });
        response.end('<Error><Code>InternalError</Code><Message>Try again</Message></Error>');
        break;
      case 'late':
        request.resume();
        response.writeHead(200, { 'content-type': 'application/xml' });
        response.end(' \n<Error><Code>InternalError</Code><Message>Try again</Message></Error>');
        break;
      case 'gateway':
        request.resume();
        response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>');
        break;
      case 'login':
        request.resume();
        response.writeHead(200, { 'content-type': 'text/html', etag: '"18-5f3c"' });
        response.end('<!DOCTYPE html><html><body><p>Welcome to our network</p></body></html>');
        break;
      case 'nothing':
        request.resume();
        response.end();
        break;
      case 'reset':
        request.socket.resetAndDestroy();
        break;
      default:
        this.#pass(request, response, fault);
    }
  }

  /** Hands a request on as it came, also its Host, which is signed. */
  #pass(request: IncomingMessage, response: ServerResponse, fault?: 'half' | 'lost'): void {
    const { hostname, port } = this.target;
    const { method, url: path, headers } = request;
    // On a connection of its own: workerd closes one that was idle for some seconds, also when it is being used again.
    const onward = ask({ hostname, port, method, path, headers, agent: false }, (answer) => {
      void whole(answer).then((body) => {
        if (fault === 'lost') {
          request.socket.resetAndDestroy();
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (fault !== 'half') response.end(body);
        else if (body.length < 2) request.socket.resetAndDestroy();
        else response.write(body.subarray(0, body.length / 2), () => response.destroy());
      });
    });
    onward.on('error', () => request.socket.resetAndDestroy());
    request.pipe(onward);
  }
}

async function whole(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
