/** Sources that are written to while they are read: every backup is of one state, or says what it could not get. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createBackup, previewBackup } from '../index.js';
import { folder, listing, removeFolders, run } from './support';
import { photo } from './support/platform';
import { full } from './support/random';
import { page, send, Store } from './support/store';
import { entry, judge, restore, sqlite, unpack } from './support/tools';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    const closed = once(child, 'close');
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await closed;
  }
  removeFolders();
});

/** A child that ends with the test. */
function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  // A writer that is killed leaves its pipe.
  child.stdin.on('error', () => undefined);
  children.push(child);
  return child;
}

/** Writes the same transactions into the shell again and again, as fast as it takes them. */
function writeForEver(database: string, transaction: string): void {
  const shell = start('sqlite3', [database]);
  const { stdin } = shell;
  if (stdin === null) throw new Error('no stdin');
  shell.stdout?.resume();
  stdin.write('.timeout 60000\nPRAGMA synchronous = OFF;\n');
  const some = transaction.repeat(50);
  const more = (): void => {
    if (shell.exitCode === null && shell.signalCode === null && stdin.write(some))
      setImmediate(more);
  };
  stdin.on('drain', more);
  more();
}

describe('a database that is written to meanwhile', () => {
  it.each(['wal', 'delete', 'truncate'])(
    'comes back in one state: journal mode %s',
    async (mode) => {
      const dir = folder();
      const file = join(dir, 'live.sqlite');
      sqlite(
        file,
        `PRAGMA journal_mode = ${mode}; PRAGMA synchronous = OFF;
       CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER, padding BLOB);
       CREATE TABLE transfer (id INTEGER PRIMARY KEY, amount INTEGER);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
       INSERT INTO account SELECT i, 0, randomblob(2000) FROM n`,
      );
      writeForEver(
        file,
        `BEGIN IMMEDIATE;
       UPDATE account SET balance = balance + 3 WHERE id = 1 + abs(random()) % 2000;
       UPDATE account SET balance = balance - 1 WHERE id = 1 + abs(random()) % 2000;
       INSERT INTO transfer (amount) VALUES (2);
       COMMIT;\n`,
      );
      const seen = new Set<string>();
      for (let n = 0; n < (full ? 40 : 5); n += 1) {
        const outputDir = join(dir, `out-${n}`);
        const result = await createBackup({ database: { file }, outputDir });
        // They are alike as archives: one of them is enough for all judges.
        const restored = restore(n === 0 ? judge(result.path, dir) : unpack(result.path, dir));
        const [sum, amounts] = sqlite(
          restored,
          'SELECT (SELECT sum(balance) FROM account), (SELECT coalesce(sum(amount), 0) FROM transfer)',
        ).split('|');
        expect(sum).toBe(amounts);
        seen.add(amounts ?? '');
        // Nothing but what its writer has there.
        const own = /^(live\.sqlite(-wal|-shm|-journal)?|(out|unpacked)-.*)$/;
        expect(listing(dir).filter((path) => !own.test(path))).toEqual([]);
      }
      // The writer was not stopped for good.
      expect(seen.size).toBeGreaterThan(1);
    },
  );

  it('comes back as it was before a transaction whose writer died', async () => {
    const dir = folder();
    const file = join(dir, 'torn.sqlite');
    sqlite(
      file,
      `CREATE TABLE t (x INTEGER, padding BLOB);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
       INSERT INTO t SELECT 1, zeroblob(1000) FROM n`,
    );
    const sound = readFileSync(file);
    const writer = start('sqlite3', [file]);
    writer.stdin?.write(
      `PRAGMA synchronous = OFF; PRAGMA cache_size = 5; BEGIN IMMEDIATE; UPDATE t SET x = 2, padding = randomblob(1000);
       SELECT 'done';\n`,
    );
    if (writer.stdout !== null) await once(writer.stdout, 'data');
    writer.kill('SIGKILL');
    await once(writer, 'close');
    const [torn, journal] = [readFileSync(file), readFileSync(`${file}-journal`)];
    expect(torn.equals(sound)).toBe(false);

    const result = await createBackup({ database: { file }, outputDir: join(dir, 'out') });
    const restored = restore(judge(result.path, dir));
    expect(sqlite(restored, 'SELECT count(*), sum(x) FROM t')).toBe('5000|5000');
    expect(readFileSync(file).equals(torn)).toBe(true);
    expect(readFileSync(`${file}-journal`).equals(journal)).toBe(true);
  });
});

describe('a work that is approved while the store is listed', () => {
  it('is wholly in the backup or not at all', async () => {
    const dir = folder();
    const file = join(dir, 'works.sqlite');
    const body = Buffer.from('a photo');
    sqlite(
      file,
      `PRAGMA journal_mode = wal; CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT);
       INSERT INTO artwork VALUES ('old', '["originals/old.jpg"]', 'approved')`,
    );
    const photos = [{ key: 'originals/old.jpg', body }];
    const store = await Store.listen(photos, {
      list: (_, response, nth) => {
        const before = page(photos);
        // As the platform does: the photo, then the row.
        const key = `artworks/new-${String(nth)}.jpg`;
        photos.push({ key, body });
        sqlite(file, `INSERT INTO artwork VALUES ('new-${String(nth)}', '["${key}"]', 'approved')`);
        return send(response, before, { 'content-type': 'application/xml' });
      },
    });
    const options = { database: { file }, photos: store.s3, outputDir: dir };
    const preview = await previewBackup(options);
    const { complete, metadata } = await createBackup(options).finally(() => {
      store.close();
    });
    expect(preview).toMatchObject({ rows: 1, photos: { originals: 1, dangling: 0 } });
    const rows = [expect.objectContaining({ name: 'artwork', rows: 2 })];
    expect(metadata.database.tables).toEqual(rows);
    expect(metadata.photos).toMatchObject({ originals: 2, missing: [], dangling: 0 });
    expect(complete).toBe(true);
  });
});

describe('a photo that is written to meanwhile', () => {
  const size = 32 << 20;
  const changes = {
    grows: "fs.appendFileSync(path, 'x')",
    shrinks: `size = size > ${size >> 1} ? size - 1 : ${size}; fs.truncateSync(path, size)`,
  };

  it.each(['grows', 'shrinks'] as const)(
    'is missing, and said to be, when it %s all the time',
    async (how) => {
      const dir = folder();
      const key = 'originals/2025/09/04/live.jpg';
      const path = photo(join(dir, 'photos'), key, Buffer.alloc(size, 'live'));
      photo(join(dir, 'photos'), 'originals/2025/09/04/still.jpg');
      const file = join(dir, 'works.sqlite');
      sqlite(
        file,
        `CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT);
       INSERT INTO artwork VALUES ('w', '["${key}", "originals/2025/09/04/still.jpg"]', 'approved')`,
      );
      const started = join(dir, 'started');
      const loop = `const fs = require('fs'), path = ${JSON.stringify(path)};
      let size = ${size};
      fs.writeFileSync(${JSON.stringify(started)}, '');
      for (;;) { ${changes[how]} }`;
      start(process.execPath, ['-e', loop]);
      while (!existsSync(started)) await sleep(10);

      const args = ['backup', '--database-file', file, '--photos-dir', join(dir, 'photos')];
      const { code, stdout } = await run(args, { cwd: dir });
      expect(code).toBe(3);
      expect(stdout).toContain(key);
      expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^INCOMPLETE/);
      const made = readdirSync(join(dir, 'backups')).filter((name) => name.endsWith('.zip'));
      const archive = join(dir, 'backups', ...made);
      expect(JSON.parse(entry(archive, 'metadata.json'))).toMatchObject({
        complete: false,
        photos: {
          originals: 1,
          missing: [{ key, reason: 'changed_while_read', artwork_ids: ['w'] }],
        },
      });
      expect(entry(archive, 'README.md')).toContain(`\`${key}\`, which could not be copied`);
      judge(archive, dir);
    },
  );
});
