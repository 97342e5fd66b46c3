/** Runs that are killed: never a file under the final name that is not whole, and never the folder of a living run. */

import { mkdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type BackupOptions, createBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { photo } from './support/platform';
import { pause, runJob, startJob } from './support/process';
import { full, random, seed } from './support/random';
import { restore, sqlite, unpack, verify } from './support/tools';

afterEach(removeFolders);

const prefix = '.cultural-archiver-';
const kills = full ? 100 : 10;

/** Some 40 MB: rows that take a moment to write and load, and photos that take one to copy. */
function sources(dir: string): Pick<BackupOptions, 'database' | 'photos' | 'photoScope'> {
  const file = join(dir, 'archive.sqlite');
  sqlite(
    file,
    `PRAGMA synchronous = OFF;
     CREATE TABLE artwork (id INTEGER PRIMARY KEY, title TEXT UNIQUE, photos TEXT, status TEXT);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
     INSERT INTO artwork SELECT i, hex(randomblob(60)), NULL, 'approved' FROM n`,
  );
  const directory = join(dir, 'photos');
  for (let n = 0; n < 20; n += 1)
    photo(directory, `originals/${n}.jpg`, Buffer.alloc(1_000_000, n));
  return { database: { file }, photos: { directory }, photoScope: 'all' };
}

/** Sizes of everything that runs keep in the output folder while they live. */
function working(outputDir: string): Record<string, number> {
  const paths = listing(outputDir).filter((path) => path.startsWith(prefix));
  return Object.fromEntries(paths.map((path) => [path, statSync(join(outputDir, path)).size]));
}

describe('a run that is killed', () => {
  it('leaves no file under the final name that is not whole, and the next run clears up', async () => {
    const dir = folder();
    const outputDir = join(dir, 'out');
    const options = { ...sources(dir), outputDir };
    const at = (minute: number): string =>
      new Date(Date.UTC(2026, 0, 2, 3, minute, 0)).toISOString().replace('.000', '');
    const started = performance.now();
    await runJob({ options: { ...options, now: at(0) } });
    const whole = performance.now() - started;

    const next = random();
    const finished: string[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      const { child, outcome } = startJob({ options: { ...options, now: at(kill) } });
      await sleep(next() * whole * 1.1);
      child.kill('SIGKILL');
      await outcome;
      const working = listing(outputDir).filter((path) => path.startsWith(prefix));
      // At most one is left: each run has removed what the one before it left behind.
      expect(working.filter((path) => basename(path) === 'lock').length).toBeLessThanOrEqual(1);
      const named = listing(outputDir).filter((path) => !path.startsWith(prefix));
      for (const name of named.filter((name) => !finished.includes(name))) {
        verify(join(outputDir, name));
        finished.push(name);
      }
      expect(named).toEqual(finished);
    }
    console.log(
      `seed ${seed}: ${kills} killed within ${Math.round(whole)} ms, ${finished.length - 1} had ended`,
    );
    const last = await createBackup({ ...options, now: at(kills + 1) });
    const names = listing(outputDir);
    expect(names.filter((path) => path.startsWith(prefix))).toEqual([]);
    expect(names).toHaveLength(finished.length + 1);
    for (const name of names) unpack(join(outputDir, name), dir);
    const restored = restore(join(dir, `unpacked-${last.sha256.slice(0, 16)}`));
    expect(sqlite(restored, 'SELECT count(*) FROM artwork')).toBe('100000');
  });
});

describe('a run that is only paused', () => {
  // Windows cannot pause a process; its locks are tried by the engine's own tests.
  const paused = process.platform === 'win32' ? it.skip : it;

  paused('keeps its folder while others run, and ends well', async () => {
    const dir = folder();
    const outputDir = join(dir, 'out');
    mkdirSync(outputDir);
    const options = { ...sources(dir), outputDir };
    const dead = startJob({ options: { ...options, now: '2026-01-02T03:00:00Z' } });
    await dead.seen('database');
    dead.child.kill('SIGKILL');
    await dead.outcome;
    const corpse = Object.keys(working(outputDir));
    expect(corpse.length).toBeGreaterThan(1);

    const living = startJob({ options: { ...options, now: '2026-01-02T03:01:00Z' } });
    await living.seen('database');
    await pause(living.child);
    const before = working(outputDir);
    expect(Object.keys(before).filter((path) => corpse.includes(path))).toEqual([]);
    expect(Object.keys(before).length).toBeGreaterThan(1);
    for (const now of ['2026-01-02T03:02:00Z', '2026-01-02T03:03:00Z']) {
      await createBackup({ ...options, now });
      expect(working(outputDir)).toEqual(before);
    }
    living.child.kill('SIGCONT');
    const { result, after } = (await living.outcome) ?? {};
    expect(result?.complete).toBe(true);
    expect(after).toEqual([
      'backup-2026-01-02-030100.zip',
      'backup-2026-01-02-030200.zip',
      'backup-2026-01-02-030300.zip',
    ]);
    after?.forEach((name) => {
      verify(join(outputDir, name));
    });
  });
});
