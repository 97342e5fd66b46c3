/** The latest published dump as a local file: what a new one is compared with. Kept between jobs, checked each time. */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Problem, stateUnwritable } from '../envelope.js';
import { replace } from '../replace.js';
import type { Catalogue } from '../storage/catalogue.js';
import { nameOf } from '../storage/names.js';
import type { LocalDump } from '../storage/published.js';

export class Previous {
  constructor(
    private readonly folder: string,
    private readonly catalogue: Catalogue,
  ) {}

  /** The archive that latest.json names; none when nothing is published. */
  async archive(
    allowShrink: boolean,
    signal: AbortSignal,
    onBytes: (bytes: number, total: number) => void,
  ): Promise<string | undefined> {
    const latest = await this.catalogue.latest();
    const name = latest && nameOf(latest.id);
    if (latest === undefined || name === undefined) return undefined;
    const path = this.#pathOf(latest.sha256);
    if ((await digestOf(path)) === latest.sha256) return path;

    await mkdir(this.folder, { recursive: true, mode: 0o700 }).catch(stateUnwritable);
    const part = `${path}.part`;
    const body = await this.catalogue.store.read(name.archiveKey, { signal });
    if (body !== undefined) {
      let bytes = 0;
      const counted = async function* () {
        for await (const chunk of body) {
          bytes += chunk.length;
          onBytes(bytes, latest.size);
          yield chunk;
        }
      };
      try {
        await pipeline(Readable.from(counted()), createWriteStream(part, { mode: 0o600 }), {
          signal,
        });
        if ((await digestOf(part)) === latest.sha256) {
          await this.#alone(part, path);
          return path;
        }
      } catch (error) {
        if (signal.aborted || error instanceof Problem) throw error;
        stateUnwritable(error);
      } finally {
        await rm(part, { force: true });
      }
    }
    if (allowShrink) return undefined;
    throw new Problem(
      502,
      'PREVIOUS_DAMAGED',
      'The latest published dump is missing or damaged, so that nothing can be compared with it: ' +
        'take it back, or allow a smaller dump',
    );
  }

  /** Keeps a dump that was just published, so that it need not be fetched. */
  async keep({ path, sha256 }: LocalDump): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.#alone(path, this.#pathOf(sha256));
  }

  async #alone(from: string, to: string): Promise<void> {
    for (const name of (await readdir(this.folder)).filter(isDump)) {
      const other = join(this.folder, name);
      if (other !== from) await rm(other, { force: true });
    }
    await replace(from, to);
  }

  #pathOf(sha256: string): string {
    return join(this.folder, `${sha256}.zip`);
  }
}

/** Whether a file is a dump of an earlier job, or what one that died has fetched of it. */
function isDump(name: string): boolean {
  return /^[0-9a-f]{64}\.zip(\.part)?$/.test(name);
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}
