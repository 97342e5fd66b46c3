/** A bucket: miniflare's R2 behind its S3 endpoint, and a wire to it that can be cut. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Miniflare } from 'miniflare';

export interface Bucket {
  /** Environment of a service that publishes into it. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the world reads it. */
  readonly publicUrl: string;
  readonly wire: Wire;
  keys(): Promise<readonly string[]>;
  read(key: string): Promise<Buffer | undefined>;
  write(key: string, body: string): Promise<void>;
  remove(key: string): Promise<void>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of R2's binding; its own type needs a lib that Node's code has no use for. */
interface Objects {
  list(): Promise<{ objects: readonly { readonly key: string }[] }>;
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, body: string): Promise<unknown>;
  delete(keys: readonly string[]): Promise<void>;
}

export async function bucket(): Promise<Bucket> {
  const name = 'dumps';
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'SECRETTEST' };
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default { fetch() { return new Response("ok"); } }',
    compatibilityDate: '2026-01-01',
    host: '127.0.0.1',
    port: 0,
    unsafeLocalExplorer: true,
    // A wire that is cut makes workerd complain.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      stderr.resume();
    },
    r2Buckets: { B: { id: name, s3Credentials: credentials } },
  });
  const { port } = await miniflare.ready;
  const wire = new Wire(Number(port));
  const base = await wire.url();
  const r2 = (await miniflare.getR2Bucket('B')) as unknown as Objects;
  const publicUrl = `${base}/cdn-cgi/local/r2/public/${name}`;
  return {
    env: {
      DUMPS_S3_ENDPOINT: `${base}/cdn-cgi/local/r2/s3`,
      DUMPS_S3_BUCKET: name,
      DUMPS_S3_ACCESS_KEY_ID: credentials.accessKeyId,
      DUMPS_S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      DUMPS_PUBLIC_URL: publicUrl,
    },
    publicUrl,
    wire,
    keys: async () => (await r2.list()).objects.map(({ key }) => key).sort(),
    read: async (key) => {
      const found = await r2.get(key);
      return found === null ? undefined : Buffer.from(await found.arrayBuffer());
    },
    write: async (key, body) => {
      await r2.put(key, body);
    },
    remove: (key) => r2.delete([key]),
    empty: async () => {
      const { objects } = await r2.list();
      await r2.delete(objects.map(({ key }) => key));
    },
    close: async () => {
      wire.close();
      await miniflare.dispose();
    },
  };
}

/** Passes bytes on to a port, until it is cut. */
export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #budget = Infinity;
  #atEnd = (): void => undefined;

  constructor(port: number) {
    this.#server = createServer((near) => {
      if (this.#isCut) {
        near.destroy();
        return;
      }
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
      }
      near.on('data', (chunk) => {
        this.#budget -= chunk.length;
        if (this.#budget < 0) this.#atEnd();
        else far.write(chunk);
      });
      far.pipe(near);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
  }

  async url(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts it once so many bytes more have gone to the bucket. */
  cutAfter(bytes: number): void {
    this.#budget = bytes;
    this.#atEnd = () => {
      this.cut();
    };
  }

  /** Lets nothing more through once so many bytes more have gone to the bucket. */
  stallAfter(bytes: number): void {
    this.#budget = bytes;
    this.#atEnd = () => undefined;
  }

  mend(): void {
    this.#isCut = false;
    this.#budget = Infinity;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
