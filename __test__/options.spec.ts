/** Options that cannot be taken: each is a rejection that names it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createDataDump, restoreBackup } from '../index.js';
import { root } from './support';
import { nowhere, rejection } from './support/rejection';

describe('options that cannot be taken', () => {
  const cases: [title: string, options: unknown, message: RegExp][] = [
    ['no argument', undefined, /options is undefined/],
    ['null', null, /options is null/],
    ['a number', 3, /options is a number/],
    ['no database', {}, /database is missing/],
    ['a database that is null', { database: null }, /database is null; it takes an object/],
    ['a database that is a string', { database: 'a.db' }, /database is a string/],
    [
      'no source of rows',
      { database: {} },
      /database\.file, database\.sql, database\.wrangler or database\.d1/,
    ],
    ['two sources of rows', { database: { file: 'a', sql: 'b' } }, /several sources/],
    ['no source of photos', { database: nowhere, photos: {} }, /photos\.directory/],
    [
      'a number as text',
      { database: nowhere, concurrency: '8' },
      /concurrency is a string; it takes a number/,
    ],
    ['a bigint', { database: nowhere, concurrency: 8n }, /concurrency is a bigint/],
    ['a number that is none', { database: nowhere, concurrency: NaN }, /concurrency is NaN/],
    ['half a level', { database: nowhere, compressionLevel: 2.5 }, /from 0 to 9/],
    [
      'an unknown word',
      { database: nowhere, photoScope: 'some' },
      /photoScope .*'approved' or 'all'/,
    ],
    ['a time without zone', { database: nowhere, now: '2026-01-02T03:04:05' }, /now .*RFC 3339/],
    ['a signal that is null', { database: nowhere, signal: null }, /signal is null/],
    ['a signal that is none', { database: nowhere, signal: {} }, /not an AbortSignal/],
    ['a callback that is null', { database: nowhere, onProgress: null }, /onProgress is null/],
  ];

  it.each(cases)('reject: %s', async (_, options, message) => {
    const { code, message: said } = await rejection(options);
    expect(code).toBe('INVALID_OPTIONS');
    expect(said).toMatch(message);
  });

  it('names a stranger and everything that is known', async () => {
    expect((await rejection({ database: nowhere, output: '.' })).message).toMatch(
      /^output is not an option; known are database, photos, outputDir/,
    );
    expect((await rejection({ database: { d2: {} } })).message).toBe(
      'database.d2 is not an option; known are database.file, database.sql, database.wrangler, database.d1',
    );
    expect((await rejection({ database: { wrangler: {} } })).message).toBe(
      'database.wrangler.databaseId is missing',
    );
    expect((await rejection({ database: nowhere, photos: { s4: {} } })).message).toBe(
      'photos.s4 is not an option; known are photos.directory, photos.s3, photos.publicUrl, photos.wrangler, photos.r2',
    );
    expect((await rejection({ database: nowhere, photos: { r2: { bucket: 'b' } } })).message).toBe(
      'photos.r2.accountId is missing',
    );
    expect((await rejection({ database: nowhere, photos: { s3: { bucket: 'b' } } })).message).toBe(
      'photos.s3.endpoint is missing',
    );
  });

  it('knows exactly the options that index.d.ts declares', async () => {
    const { message = '' } = await rejection({ database: nowhere, stranger: 1 });
    const known = message.replace(/^.*known are /, '').split(', ');
    const types = readFileSync(join(root, 'index.d.ts'), 'utf8');
    const [, body = ''] = /interface BackupOptions \{(.*?)\n\}/s.exec(types) ?? [];
    expect([...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name)).toEqual(known);
  });

  it('has no members but its own, whatever they are called', async () => {
    const named = JSON.parse(
      '{"database":{"file":"no-such.sqlite"},"__proto__":{"drill":false}}',
    ) as unknown;
    const error = await rejection(named);
    expect(error).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/__proto__ is not an option/) as unknown,
    });
    // That of every object in the addon's realm, which is not this one.
    const prototype = Object.getPrototypeOf(Object.getPrototypeOf(error)) as {
      photoScope?: string;
    };
    prototype.photoScope = 'none';
    try {
      expect(await rejection({ database: nowhere })).toMatchObject({ code: 'DATABASE_NOT_FOUND' });
    } finally {
      delete prototype.photoScope;
    }
  });

  it('keeps what a getter throws as the cause', async () => {
    const boom = new TypeError('boom');
    const options = {
      get database(): never {
        throw boom;
      },
    };
    expect(await rejection(options)).toMatchObject({ code: 'INVALID_OPTIONS', cause: boom });
    const inner = {
      database: Object.defineProperty({}, 'file', {
        enumerable: true,
        get: () => options.database,
      }),
    };
    expect(await rejection(inner)).toMatchObject({ code: 'INVALID_OPTIONS', cause: boom });
  });

  it('keeps what an element of a list throws as the cause', async () => {
    const boom = new TypeError('boom');
    const list: string[] = [];
    Object.defineProperty(list, 0, {
      enumerable: true,
      get() {
        throw boom;
      },
    });
    const database = { file: 'archive.sqlite' };
    for (const options of [{ extraBlacklist: list }, { includeFields: list }]) {
      await expect(createDataDump({ database, ...options })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        cause: boom,
      });
    }
    for (const options of [{ tables: list }, { keys: list }]) {
      await expect(restoreBackup('backup.zip', options)).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        cause: boom,
      });
    }
  });

  it('keeps what a signal throws as the cause', async () => {
    const boom = new TypeError('boom');
    const signal = {
      aborted: false,
      addEventListener: () => {
        throw boom;
      },
    };
    expect(await rejection({ database: nowhere, signal })).toMatchObject({
      code: 'INVALID_OPTIONS',
      cause: boom,
    });
  });
});
