/** moto's S3 in a process of its own: a store that shares no code with miniflare's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { python } from './python';

const folder = join(__dirname, '..', 's3');

export interface Access {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export class Moto {
  private constructor(
    readonly access: Access,
    private readonly process: ChildProcess,
  ) {}

  /** Serves a bucket of so many photos: `originals/<n>.jpg`, each `photo <n>`, with spaces up to `size` bytes. */
  static async listen(bucket: string, count = 0, size = 0): Promise<Moto> {
    const interpreter = python(join(folder, 'requirements.txt'));
    const args = [bucket, String(count), String(size)];
    const child = spawn(interpreter, [join(folder, 'server.py'), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close').then(() => {
      throw new Error('moto ended before it was ready');
    });
    const ready = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const [line] = await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    return new Moto(JSON.parse(line) as Access, child);
  }

  async close(): Promise<void> {
    const closed = once(this.process, 'close');
    this.process.stdin?.end();
    await closed;
  }
}
