/** A folder in place of a bucket, for one machine. ETags are digests of the content. */

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, open, readFile, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf } from '../codes.js';
import { makeNamed } from '../folders.js';
import { replace } from '../replace.js';
import { bytesOf, PreconditionFailed, unavailable } from './store.js';
import type { Condition, Headers, Listed, ObjectStore, StoredObject, Transfer } from './store.js';

/** Nobody holds an object's mutex for longer than it takes to write a few kilobytes. */
const staleMutexMs = 10_000;
const dayMs = 86_400_000;

export class FolderStore implements ObjectStore {
  constructor(private readonly root: string) {
    makeNamed(root, 'DUMPS_DIR');
  }

  /** Where an object lies. Keys are the catalogue's own and hold nothing that a caller chose. */
  pathOf(key: string): string {
    return join(this.root, ...key.split('/'));
  }

  list(prefix: string): Promise<readonly Listed[]> {
    return answer(async () => {
      const listed: Listed[] = [];
      // Beside the folder of a prefix may lie what is somebody else's, and what nobody here may read.
      for await (const path of filesBelow(this.pathOf(prefix.replace(/[^/]*$/, '')))) {
        const key = relative(this.root, path).split(sep).join('/');
        const isOurs = key.startsWith(prefix) && !isTemporary(key);
        const size = isOurs ? await sizeOf(path) : undefined;
        if (size !== undefined) listed.push({ key, size });
      }
      return listed;
    });
  }

  get(key: string): Promise<StoredObject | undefined> {
    return answer(async () => {
      const body = await readFile(this.pathOf(key)).catch(unlessMissing);
      return body && { body, etag: etagOf(body) };
    });
  }

  put(key: string, body: Buffer, _headers: Headers, condition?: Condition): Promise<string> {
    const path = this.pathOf(key);
    return answer(async () => {
      await mkdir(dirname(path), { recursive: true });
      await this.#alone(path, async () => {
        const before = await readFile(path).catch(unlessMissing);
        const holds =
          condition === undefined ||
          ('absent' in condition
            ? before === undefined
            : before !== undefined && etagOf(before) === condition.etag);
        if (!holds) throw new PreconditionFailed('the object has changed');
        await viaTemporary(path, (temporary) => writeDurably(temporary, body), replace);
      });
      return etagOf(body);
    });
  }

  upload(key: string, path: string, _headers: Headers, transfer: Transfer): Promise<void> {
    const { signal, onBytes } = transfer;
    const to = this.pathOf(key);
    return answer(async () => {
      await mkdir(dirname(to), { recursive: true });
      await this.#clearLeft(key);
      let bytes = 0;
      const count = async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          bytes += chunk.length;
          onBytes?.(bytes);
          yield chunk;
        }
      };
      const copy = async (temporary: string): Promise<void> => {
        const target = createWriteStream(temporary, { flags: 'wx', flush: true });
        await pipeline(createReadStream(path), count, target, signal ? { signal } : {});
      };
      await viaTemporary(to, copy, nameAnew);
    }, signal);
  }

  read(key: string, { signal }: Transfer): Promise<AsyncIterable<Uint8Array> | undefined> {
    return answer(async () => {
      const path = this.pathOf(key);
      const isThere = (await sizeOf(path)) !== undefined;
      // Whoever was stopped meanwhile reads nothing, and a file that is open is closed by its reader.
      signal?.throwIfAborted();
      return isThere ? bytesOf(createReadStream(path), signal) : undefined;
    }, signal);
  }

  remove(key: string): Promise<void> {
    return answer(async () => {
      const path = this.pathOf(key);
      await rm(path, { force: true });
      await rmdir(dirname(path)).catch(() => undefined);
    });
  }

  /**
   * Removes what writes have left that did not come to their end: old ones anywhere among the objects, and any in the
   * folder of this one, in which nobody else can be writing.
   */
  async #clearLeft(key: string): Promise<void> {
    const own = dirname(this.pathOf(key));
    for await (const path of filesBelow(this.pathOf(key.split('/')[0] ?? ''))) {
      if (!isTemporary(path)) continue;
      const { mtimeMs } = (await stat(path).catch(unlessMissing)) ?? {};
      const isLeft = dirname(path) === own || (mtimeMs ?? Infinity) < Date.now() - dayMs;
      if (!isLeft) continue;
      await rm(path, { force: true });
      if (dirname(path) !== own) await rmdir(dirname(path)).catch(() => undefined);
    }
  }

  /** Keeps other processes from writing the same object meanwhile. */
  async #alone(path: string, work: () => Promise<void>): Promise<void> {
    const mutex = `${path}.mutex`;
    // A mutex is stale once it has been seen for so long: the clock of a share may tell another time.
    let seen: string | undefined;
    let since = 0;
    for (;;) {
      try {
        await mkdir(mutex);
        break;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const made = await stat(mutex).catch(unlessMissing);
      const found = made && `${made.ino} ${made.mtimeMs}`;
      if (found === undefined || found !== seen) [seen, since] = [found, performance.now()];
      else if (performance.now() - since > staleMutexMs) await rmdir(mutex).catch(unlessMissing);
      await sleep(10);
    }
    try {
      await work();
    } finally {
      // Somebody who found it stale may have removed it; the object is written all the same.
      await rmdir(mutex).catch(unlessMissing);
    }
  }
}

/** Every file at any depth. A folder that vanishes meanwhile, as a mutex does, was empty: `recursive` would throw. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unlessMissing);
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Whether a file is one of `viaTemporary`: others have files called `.part` too. */
function isTemporary(path: string): boolean {
  return /(^|[\\/])\.[0-9a-f-]{36}\.part$/.test(path);
}

/** Writes beside the object and gives the name last, so that nobody ever reads half of it. */
async function viaTemporary(
  path: string,
  write: (temporary: string) => Promise<void>,
  name: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.part`);
  try {
    await write(temporary);
    await name(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Gives a file a name that nothing has yet. */
async function nameAnew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    // FAT and many shares know no links: an empty file takes the name, which fails just as surely where there is one.
    await (await open(to, 'wx')).close();
    await replace(from, to);
  }
}

async function writeDurably(path: string, body: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(unlessMissing))?.size;
}

function etagOf(body: Buffer): string {
  return `"${createHash('sha256').update(body).digest('hex')}"`;
}

function unlessMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

async function answer<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PreconditionFailed) throw error;
    if (codeOf(error) === 'EEXIST') throw new PreconditionFailed('the object is there already');
    throw unavailable(error, 'fails: check DUMPS_DIR, its permissions and its disk');
  }
}
