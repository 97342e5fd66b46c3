/** What publishing asks of a place for objects: a bucket, or a folder. */

import { codeOf } from '../codes.js';
import { Problem } from '../envelope.js';

export interface Headers {
  readonly contentType: string;
  readonly cacheControl: string;
}

/** What must be true of the object that a write replaces: that there is none, or that it is the one with this ETag. */
export type Condition = { readonly absent: true } | { readonly etag: string };

export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
}

export interface Listed {
  readonly key: string;
  readonly size: number;
}

export interface Transfer {
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes have gone over, in all. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface ObjectStore {
  /** Everything whose key begins with `prefix`. */
  list(prefix: string): Promise<readonly Listed[]>;
  get(key: string): Promise<StoredObject | undefined>;
  /** Writes a small object and returns its ETag; a condition that does not hold is a PreconditionFailed. */
  put(key: string, body: Buffer, headers: Headers, condition?: Condition): Promise<string>;
  /** Writes a file. */
  upload(key: string, path: string, headers: Headers, transfer: Transfer): Promise<void>;
  /** The bytes of an object; one that breaks off ends with the Problem of a storage that fails. */
  read(key: string, transfer: Transfer): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes an object; one that is not there is no error. */
  remove(key: string): Promise<void>;
}

/** A store that is still being loaded: what is asked of it waits until it is. */
export function onceLoaded(store: Promise<ObjectStore>): ObjectStore {
  // Where it cannot be loaded, whoever asks is told.
  store.catch(() => undefined);
  return {
    list: async (...args) => (await store).list(...args),
    get: async (...args) => (await store).get(...args),
    put: async (...args) => (await store).put(...args),
    upload: async (...args) => (await store).upload(...args),
    read: async (...args) => (await store).read(...args),
    remove: async (...args) => (await store).remove(...args),
  };
}

export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
}

/** A body whose own failures are told as the storage's, but for those of being stopped. */
export async function* bytesOf(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal?.throwIfAborted();
    throw unavailable(error, 'broke off in the middle of an object: try again');
  }
}

/**
 * The bucket or folder did not do what it was asked. The cause stays in the log; `trouble` says what it did instead,
 * and what to do.
 */
export function unavailable(cause: unknown, trouble: string): Problem {
  if (['ENOSPC', 'EDQUOT'].includes(codeOf(cause) ?? '')) {
    const message = 'The disk that DUMPS_DIR is on is full: free some space, or take a dump back';
    return new Problem(503, 'STORAGE_FULL', message, { cause });
  }
  const message = `The storage of public dumps ${trouble}`;
  return new Problem(503, 'STORAGE_UNAVAILABLE', message, { cause });
}
