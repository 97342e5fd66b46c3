/** Jobs at the boundary to Node: progress, abort, the event loop, relative paths, both module systems. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';

import {
  createBackup,
  createDataDump,
  type Progress,
  restoreBackup,
  verifyArchive,
} from '../index.js';
import { database, folder, largeDatabase, listing, removeFolders, root } from './support';
import { nowhere, rejection } from './support/rejection';

afterEach(removeFolders);

/** Of a thread of this process; undefined when it has just ended. */
function niceness(task: string): number | undefined {
  try {
    // Its name, in brackets, may hold anything; niceness is the 17th field behind it (proc(5)).
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  } catch {
    return undefined;
  }
}

describe('an aborted job', () => {
  it('rejects with an AbortError when the signal is aborted already, and leaves nothing', async () => {
    const dir = folder();
    const path = database(dir);
    const outputDir = join(dir, 'out');
    mkdirSync(outputDir);
    const reason = new Error('changed my mind');
    const signal = AbortSignal.abort(reason);
    expect(await rejection({ database: { file: path }, outputDir, signal })).toMatchObject({
      code: 'ABORT_ERR',
      name: 'AbortError',
      cause: reason,
    });
    expect(listing(outputDir)).toEqual([]);
  });

  it('rejects with an AbortError when the signal is aborted meanwhile, and leaves nothing', async () => {
    const dir = folder();
    const path = largeDatabase(dir);
    const outputDir = join(dir, 'out');
    mkdirSync(outputDir);
    const controller = new AbortController();
    const options = {
      database: { file: path },
      outputDir,
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    };
    expect(await rejection(options)).toMatchObject({ code: 'ABORT_ERR', name: 'AbortError' });
    expect(listing(outputDir)).toEqual([]);
  });

  it('takes its listener off the signal again, whatever the signal says of its reason', async () => {
    const added: unknown[] = [];
    const removed: unknown[] = [];
    const signal = {
      aborted: false,
      addEventListener: (...args: unknown[]) => added.push(...args),
      removeEventListener: (...args: unknown[]) => removed.push(...args),
      get reason(): unknown {
        throw new Error('boom');
      },
    };
    expect(await rejection({ database: nowhere, signal })).toMatchObject({
      code: 'DATABASE_NOT_FOUND',
    });
    expect(added).toEqual(['abort', expect.any(Function)]);
    expect(removed).toEqual(added);
  });
});

describe('a job', () => {
  it('rejects with the code of what is missing', async () => {
    const outputDir = folder();
    const { code, message } = await rejection({ database: nowhere, outputDir });
    expect(code).toBe('DATABASE_NOT_FOUND');
    expect(message).toContain('no-such.sqlite');
    expect(listing(outputDir)).toEqual([]);
  });

  it('leaves the event loop free and tells how far it is', async () => {
    const dir = folder();
    const path = largeDatabase(dir);
    const told: Progress[] = [];
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    const result = await createBackup({
      database: { file: path },
      photos: undefined,
      outputDir: dir,
      onProgress: (progress) => told.push(progress),
    }).finally(() => {
      clearInterval(timer);
    });
    expect(ticks).toBeGreaterThan(10);
    const { database: rows } = result.metadata;
    const written = told.filter(({ phase }) => phase === 'database');
    expect(written.at(-1)).toMatchObject({
      done: rows.tables.length,
      total: rows.tables.length,
      bytes: rows.sql_bytes,
    });
    // Once all is written the drill goes on: what it looks at is told, then the last three entries.
    const last = told.filter(({ phase }) => phase === 'finish');
    const names = rows.tables.map(({ name }) => name);
    expect(names).toContain(last.find(({ item }) => item !== undefined)?.item);
    const { done } = last.at(-1) ?? {};
    expect(last.at(-1)).toMatchObject({ done, total: done });
    expect(done).toBeGreaterThanOrEqual(names.length + 3);
    const phases = new Set(told.map(({ phase }) => phase));
    for (const phase of ['snapshot', 'database', 'finish', 'verify'] as const) {
      expect(phases).toContain(phase);
    }
    expect(result).toMatchObject({
      complete: true,
      reusedPhotos: 0,
      warnings: result.metadata.warnings,
    });
    // Byte counts are numbers: a BigInt would throw here.
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  // Elsewhere nothing tells a thread's priority without native code.
  if (process.platform === 'linux') {
    it('lets its threads give way to those of Node', async () => {
      const path = largeDatabase(folder());
      const before = getPriority();
      const seen = new Set<number>();
      // All the time: on a fast machine a thread may have ended before anybody is told how far the job is.
      const looking = setInterval(() => {
        for (const task of readdirSync('/proc/self/task')) seen.add(niceness(task) ?? before);
      }, 1);
      await createBackup({ database: { file: path }, outputDir: folder() }).finally(() => {
        clearInterval(looking);
      });
      const work = Math.max(before, 5);
      expect(seen).toEqual(new Set([before, work, Math.max(before, 8)]));
      expect(getPriority()).toBe(before);
    });

    it('leaves the priority of a process alone that is lower already', () => {
      const path = largeDatabase(folder());
      const script = `
        const fs = require('node:fs');
        const seen = new Set();
        const look = (task) => {
          const stat = fs.readFileSync('/proc/self/task/' + task + '/stat', 'utf8');
          seen.add(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
        };
        const onProgress = () => fs.readdirSync('/proc/self/task').forEach((task) => {
          try { look(task); } catch {}
        });
        const [, database, outputDir] = process.argv;
        require(${JSON.stringify(root)}).createBackup({ database: { file: database }, outputDir, onProgress })
          .then(() => console.log(JSON.stringify([...seen])));`;
      const command = ['-n', '12', process.execPath, '-e', script, path, folder()];
      const seen = JSON.parse(execFileSync('nice', command, { encoding: 'utf8' })) as number[];
      // On top of what the tests themselves run at.
      expect(seen).toEqual([Math.min(getPriority() + 12, 19)]);
    });
  }

  it('returns the metadata that stands in the archive', async () => {
    const dir = folder();
    const path = database(dir);
    const now = '2026-01-02T03:04:05Z';
    const result = await createBackup({ database: { file: path }, outputDir: dir, now });
    expect(result.filename).toBe('backup-2026-01-02-030405.zip');
    expect(result.path).toBe(join(dir, result.filename));
    expect(result.metadata).toMatchObject({
      format: 'cultural-archiver-backup',
      created_at: now,
      source: { database: 'file', photos: null },
      database: { tables: [{ name: 'artwork', rows: 3 }], total_rows: 3 },
      photos: { scope: null, missing: [] },
      drill: { loaded: true, tables: 1, rows: 3, integrity_check: 'ok' },
    });
    const options = { encoding: 'utf8' } as const;
    const inside = execFileSync('unzip', ['-p', result.path, 'metadata.json'], options);
    expect(JSON.parse(inside)).toStrictEqual(result.metadata);
  });
});

describe('relative paths', () => {
  const home = process.cwd();

  afterEach(() => {
    process.chdir(home);
  });

  it('are those of the moment of the call, wherever the process goes meanwhile', async () => {
    const [here, there] = [folder(), folder()];
    const sql =
      "CREATE TABLE artwork (id, status, photos); INSERT INTO artwork VALUES (1, 'approved', 'a.jpg');";
    writeFileSync(join(here, 'rows.sql'), sql);
    mkdirSync(join(here, 'photos'));
    writeFileSync(join(here, 'photos', 'a.jpg'), 'photo');
    const go = <T>(job: () => Promise<T>): Promise<T> => {
      process.chdir(here);
      const promise = job();
      process.chdir(there);
      return promise;
    };

    const sources = { database: { sql: 'rows.sql' }, photos: { directory: 'photos' } };
    const made = await go(() => createBackup({ ...sources, outputDir: 'out' }));
    const again = { ...sources, reuseFrom: join('out', made.filename), overwrite: true };
    expect((await go(() => createBackup(again))).reusedPhotos).toBe(1);
    const archive = join('out', made.filename);
    await go(() => restoreBackup(archive, { database: 'r.sqlite', photosDir: 'back' }));
    expect((await go(() => verifyArchive(archive))).ok).toBe(true);
    const local = { databaseId: 'id', bucket: 'b' };
    await go(() => restoreBackup(archive, { wrangler: local }));
    const state = {
      database: { wrangler: { databaseId: 'id' } },
      photos: { wrangler: { bucket: 'b' } },
    };
    const dump = await go(() => createDataDump({ ...state, thumbnails: 'none' }));
    const next = {
      ...state,
      thumbnails: 'none' as const,
      previous: dump.filename,
      overwrite: true,
    };
    await go(() => createDataDump(next));
    expect(readdirSync(there)).toEqual([]);
  });
});

describe('the package', () => {
  const check = 'createBackup().catch((error) => console.log(typeof createBackup, error.code))';

  it.each([
    [
      'an ES module',
      'consumer.mjs',
      `import { createBackup } from '@cultural-archiver/backup'; ${check}`,
    ],
    [
      'CommonJS',
      'consumer.cjs',
      `const { createBackup } = require('@cultural-archiver/backup'); ${check}`,
    ],
  ])('is imported by %s', (_, name, source) => {
    const dir = folder();
    mkdirSync(join(dir, 'node_modules', '@cultural-archiver'), { recursive: true });
    symlinkSync(root, join(dir, 'node_modules', '@cultural-archiver', 'backup'), 'junction');
    writeFileSync(join(dir, name), source);
    const printed = execFileSync(process.execPath, [name], { cwd: dir, encoding: 'utf8' });
    expect(printed).toBe('function INVALID_OPTIONS\n');
  });
});
