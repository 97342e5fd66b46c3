/** A bucket: R2 or any S3. */

import { createReadStream } from 'node:fs';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import type { S3Options } from '../options.js';
import { bytesOf, PreconditionFailed, unavailable } from './store.js';
import type { Condition, Headers, Listed, ObjectStore, StoredObject, Transfer } from './store.js';

/** As the SDK's client has it. */
interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** R2 wants parts of one size. */
const partSize = 8 * 1024 * 1024;

export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ endpoint, bucket, accessKeyId, secretAccessKey, region = 'auto' }: S3Options) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      maxAttempts: 3,
      // R2 has no trailing checksums. What was written is read back and hashed anyway.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    });
    // Waiting for `100 Continue` hangs with servers that never send it, workerd among them.
    this.#client.middlewareStack.remove('addExpectContinueMiddleware');
    refusePages(this.#client);
  }

  async list(prefix: string): Promise<readonly Listed[]> {
    const found: Listed[] = [];
    await this.#answer(async () => {
      const pages = paginateListObjectsV2(
        { client: this.#client },
        { Bucket: this.#bucket, Prefix: prefix },
      );
      for await (const { Contents = [], IsTruncated, NextContinuationToken } of pages) {
        // To the SDK any other document is a list of nothing, and one that does not say where it goes on ends there.
        const isCut = IsTruncated === true && NextContinuationToken === undefined;
        if (IsTruncated === undefined || isCut) {
          throw new Error(
            'The bucket answered with something that is no list, or only part of one',
          );
        }
        for (const { Key, Size = 0 } of Contents) {
          if (Key !== undefined) found.push({ key: Key, size: Size });
        }
      }
    });
    return found;
  }

  get(key: string): Promise<StoredObject | undefined> {
    return this.#answer(async () => {
      const found = await this.#get(key);
      if (found?.Body === undefined) return undefined;
      return {
        body: Buffer.from(await found.Body.transformToByteArray()),
        etag: known(found.ETag),
      };
    });
  }

  put(key: string, body: Buffer, headers: Headers, condition?: Condition): Promise<string> {
    return this.#answer(async () => {
      const command = new PutObjectCommand({
        ...this.#object(key, headers),
        Body: body,
        ContentLength: body.length,
        ...(condition === undefined
          ? {}
          : 'absent' in condition
            ? { IfNoneMatch: '*' }
            : { IfMatch: condition.etag }),
      });
      return known((await this.#client.send(command)).ETag);
    });
  }

  async upload(key: string, path: string, headers: Headers, transfer: Transfer): Promise<void> {
    const { signal, onBytes } = transfer;
    signal?.throwIfAborted();
    const upload = new Upload({
      client: this.#stoppable(signal),
      params: { ...this.#object(key, headers), Body: createReadStream(path) },
      partSize,
      queueSize: 2,
    });
    upload.on('httpUploadProgress', ({ loaded = 0 }) => onBytes?.(loaded));
    try {
      await this.#answer(() => upload.done());
    } finally {
      signal?.throwIfAborted();
    }
  }

  /**
   * The client as an upload uses it. Once it is stopped, parts break off and nothing new is asked, but what would make
   * the object appear is waited for: an upload that is over adds nothing to the bucket any more.
   */
  #stoppable(signal: AbortSignal | undefined): S3Client {
    const send = async (command: Parameters<S3Client['send']>[0]): Promise<unknown> => {
      if (!(command instanceof AbortMultipartUploadCommand)) signal?.throwIfAborted();
      const isPart = signal !== undefined && command instanceof UploadPartCommand;
      const sent = this.#client.send(command, isPart ? { abortSignal: signal } : {});
      return command instanceof CompleteMultipartUploadCommand ? sent.catch(unlessGone) : sent;
    };
    return { config: this.#client.config, send } as unknown as S3Client;
  }

  async read(key: string, { signal }: Transfer): Promise<AsyncIterable<Uint8Array> | undefined> {
    const found = await this.#answer(() => this.#get(key, signal));
    const body = found?.Body as AsyncIterable<Uint8Array> | undefined;
    return body && bytesOf(body, signal);
  }

  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#answer(() => this.#client.send(command));
  }

  async #get(key: string, signal?: AbortSignal) {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
    try {
      return await this.#client.send(command, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  #object(key: string, { contentType, cacheControl }: Headers) {
    return { Bucket: this.#bucket, Key: key, ContentType: contentType, CacheControl: cacheControl };
  }

  /** Turns what the SDK throws into what the service says. */
  async #answer<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const status =
        error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status === 412 || status === 409) throw new PreconditionFailed('the object has changed');
      // Of a page in place of an answer the SDK says no more than that it is unknown.
      throw unavailable(
        status === undefined
          ? error
          : new Error(`The bucket answered with ${status}`, { cause: error }),
        troubleOf(status),
      );
    }
  }
}

/**
 * Has a page that is answered with the status of success taken for none of the bucket's, and asked for again: it is that
 * of a gateway or of the login of a network. Nothing that is published is a page.
 */
function refusePages(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { statusCode, headers } = answer.response as HttpAnswer;
      if (statusCode < 300 && headers['content-type']?.startsWith('text/html') === true) {
        const error = new Error('A page was answered in place of the bucket');
        throw Object.assign(error, { $retryable: { throttling: false } });
      }
      return answer;
    },
    { step: 'deserialize', name: 'refusePages', priority: 'low' },
  );
}

/**
 * An upload that is gone when its parts are to become one object has become it, and the answer got lost: the SDK asks
 * again. Whether the object is there, and whole, whoever publishes looks at anyway.
 */
function unlessGone(error: unknown): object {
  if (error instanceof S3ServiceException && error.name === 'NoSuchUpload') return {};
  throw error;
}

/** An ETag, which every bucket gives what it holds; without one, something else has answered. */
function known(etag: string | undefined): string {
  if (etag === undefined) throw new Error('The bucket answered without an ETag');
  return etag;
}

/** What a bucket does that has answered with this status, or not at all, and what to look at. */
function troubleOf(status: number | undefined): string {
  if (status === undefined) return 'fails: check DUMPS_S3_ENDPOINT and the network';
  return `answers with status ${String(status)}: ${adviceOn(status)}`;
}

function adviceOn(status: number): string {
  switch (status) {
    // A bucket of another region, or a key that no store of this kind gives out.
    case 301:
    case 307:
    case 400:
      return 'check DUMPS_S3_ENDPOINT, DUMPS_S3_REGION and DUMPS_S3_ACCESS_KEY_ID';
    case 401:
    case 403:
      return (
        'check DUMPS_S3_ACCESS_KEY_ID, DUMPS_S3_SECRET_ACCESS_KEY and DUMPS_S3_BUCKET, ' +
        'and that these keys may list, read, write and delete in it'
      );
    case 404:
      return 'check DUMPS_S3_BUCKET and DUMPS_S3_ENDPOINT';
    // Not every store takes conditions, and R2 says so even in passing.
    case 501:
      return 'it lacks a part of S3 that publishing needs; at R2 try again later, else take another store';
    default:
      return 'try again later';
  }
}
