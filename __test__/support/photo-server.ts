/** A web server of photos that can keep one waiting, so that a job stands still while somebody looks at it. */

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { patient } from './server';

export class PhotoServer {
  readonly #server: Server;
  readonly #held: ServerResponse[] = [];
  #isHolding = false;
  /** Photos that may not be read, by what their path ends in. */
  readonly refused = new Set<string>();

  constructor(private readonly photo: Buffer) {
    this.#server = createServer(patient, ({ url = '' }, response) => {
      if ([...this.refused].some((name) => url.endsWith(name))) response.writeHead(403).end();
      else if (this.#isHolding && url.includes('/slow/')) this.#held.push(response);
      else this.#answer(response);
    });
  }

  async url(): Promise<string> {
    if (!this.#server.listening) await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** From now on photos below `slow/` wait. */
  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    for (const response of this.#held.splice(0)) this.#answer(response);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'image/jpeg',
      'content-length': String(this.photo.length),
    });
    response.end(this.photo);
  }
}
