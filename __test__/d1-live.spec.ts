/** D1 at Cloudflare while a site writes: what is backed up is one state that was there, or there is no backup. */

import type { BackupResult } from '../index.js';
import { backup, double, failure, made, restored } from './support/d1-backup';
import { random } from './support/random';
import { sqlite } from './support/tools';

describe('a site that writes meanwhile', () => {
  const site = `
CREATE TABLE artwork (id TEXT PRIMARY KEY, photos TEXT, status TEXT NOT NULL, visits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE visits (id INTEGER PRIMARY KEY AUTOINCREMENT, artwork_id TEXT NOT NULL REFERENCES artwork (id), at TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  INSERT INTO artwork (id, status) SELECT printf('w%05d', i), 'approved' FROM n;
CREATE TABLE log (at TEXT);`;

  /** Every row of `visits` has its artwork, and every artwork counts its visits. */
  function sound(result: BackupResult): number {
    // Where rows without their parents would stand.
    expect(result.metadata.database.in_extra).toEqual([]);
    const file = restored(result);
    const torn = `SELECT count(*) FROM artwork a WHERE visits <> (SELECT count(*) FROM visits WHERE artwork_id = a.id)`;
    expect(sqlite(file, torn)).toBe('0');
    return Number(sqlite(file, 'SELECT count(*) FROM visits'));
  }

  it('never gives a state that was not there', async () => {
    const server = await double(made(site), {
      size: false,
      meanwhile: (database, nth) => {
        // A new artwork with its first visit, and one of an old artwork: three parts change together.
        database.exec(`BEGIN; INSERT INTO artwork (id, status, visits) VALUES ('x${String(nth)}', 'approved', 1);
          INSERT INTO visits (artwork_id, at) VALUES ('x${String(nth)}', 'now'), ('w00007', 'now');
          UPDATE artwork SET visits = visits + 1 WHERE id = 'w00007'; COMMIT`);
      },
    });
    expect(sound(await backup(server))).toBeGreaterThan(2);
  }, 60_000);

  it('never gives a row without the one that it refers to, though both come and go', async () => {
    const server = await double(made(site), {
      size: false,
      fault: (_, body) => {
        // They are there whenever visits are asked for without artworks, and at no other time.
        const [artworks, visits] = ['artwork', 'visits'].map((table) =>
          body.includes(`FROM \\"${table}\\"`),
        );
        server.database.exec(
          visits && !artworks
            ? `BEGIN; INSERT INTO artwork VALUES ('x', NULL, 'approved', 1);
               INSERT INTO visits (id, artwork_id) VALUES (7, 'x'); COMMIT`
            : `BEGIN; DELETE FROM visits; DELETE FROM artwork WHERE id = 'x'; COMMIT`,
        );
        return undefined;
      },
    });
    expect(sound(await backup(server))).toBe(0);
  });

  it('never gives one without what that refers to in turn, though all three come and go', async () => {
    const chain = `${site} CREATE TABLE creators (id TEXT PRIMARY KEY);
      ALTER TABLE artwork ADD creator TEXT REFERENCES creators (id);`;
    const server = await double(made(chain), {
      size: false,
      fault: (_, body) => {
        // They are there whenever visits are asked for without creators, and at no other time.
        const [creators, visits] = ['creators', 'visits'].map((table) =>
          body.includes(`FROM \\"${table}\\"`),
        );
        server.database
          .exec(`BEGIN; DELETE FROM visits; DELETE FROM artwork WHERE id = 'x'; DELETE FROM creators;
          ${
            visits && !creators
              ? `INSERT INTO creators VALUES ('c'); INSERT INTO artwork VALUES ('x', NULL, 'approved', 1, 'c');
                 INSERT INTO visits (id, artwork_id) VALUES (7, 'x');`
              : ''
          } COMMIT`);
        return undefined;
      },
    });
    expect(sound(await backup(server))).toBe(0);
  });

  it('never gives an index of a row that is not there, though both come and go', async () => {
    const server = await double(
      made(`CREATE TABLE artwork (title TEXT); INSERT INTO artwork VALUES ('bronze heron');
        CREATE VIRTUAL TABLE found USING fts5(title, content='artwork');
        INSERT INTO found (found) VALUES ('rebuild');`),
      {
        size: false,
        fault: (_, body) => {
          const [artworks, index] = ['artwork', 'found_data'].map((table) =>
            body.includes(`FROM \\"${table}\\"`),
          );
          const { database } = server;
          const row = database.prepare('SELECT 1 FROM artwork WHERE rowid = 7');
          const isThere = row.all().length > 0;
          if (index && !artworks && !isThere) {
            database.exec(`BEGIN; INSERT INTO artwork (rowid, title) VALUES (7, 'stone owl');
              INSERT INTO found (rowid, title) VALUES (7, 'stone owl'); COMMIT`);
          } else if (artworks && isThere) {
            database.exec(`BEGIN; INSERT INTO found (found, rowid, title) VALUES ('delete', 7, 'stone owl');
              DELETE FROM artwork WHERE rowid = 7; COMMIT`);
          }
          return undefined;
        },
      },
    );
    const { metadata } = await backup(server);
    expect(metadata.database.in_extra).toEqual([]);
  });

  it.each([
    ['in one batch', true],
    ['page by page', false],
  ])('never gives a long value of another state than its row, read %s', async (_, size) => {
    const file = made(`CREATE TABLE page (id INTEGER PRIMARY KEY, text TEXT, picture BLOB);
      INSERT INTO page VALUES (1, printf('%06d', 0) || printf('%.*c', 450000, 't'), zeroblob(10)), (2, 'short', NULL);
      CREATE TABLE counted (n INTEGER NOT NULL); INSERT INTO counted VALUES (0)`);
    const server = await double(file, {
      size,
      meanwhile: (database, nth) => {
        // As long as before, so that its length does not tell.
        database.exec(`BEGIN; UPDATE counted SET n = ${String(nth)};
          UPDATE page SET text = printf('%06d', ${String(nth)}) || printf('%.*c', 450000, 't') WHERE id = 1; COMMIT`);
      },
    });
    const held = restored(await backup(server));
    expect(
      sqlite(held, 'SELECT n > 0, substr(text, 1, 6) = n FROM page, counted WHERE id = 1'),
    ).toBe('1|1');
  });

  it('is backed up though one of several long values changes all the time', async () => {
    const file = made(`CREATE TABLE page (id INTEGER PRIMARY KEY, picture BLOB);
      INSERT INTO page SELECT value, zeroblob(1048576) FROM json_each('[1, 2, 3, 4]');
      CREATE TABLE counted (n INTEGER NOT NULL); INSERT INTO counted VALUES (0)`);
    const server = await double(file, {
      size: false,
      meanwhile: (database, nth) => {
        database.exec(`BEGIN; UPDATE counted SET n = ${String(nth)};
          UPDATE page SET picture = CAST(printf('%-1048576d', ${String(nth)}) AS BLOB) WHERE id = 2; COMMIT`);
      },
    });
    const held = restored(await backup(server));
    expect(
      sqlite(
        held,
        'SELECT n > 0, CAST(substr(picture, 1, 9) AS INTEGER) = n FROM page, counted WHERE id = 2',
      ),
    ).toBe('1|1');
  }, 60_000);

  it('is told by the table when no state can be had', async () => {
    const server = await double(made(site), {
      size: false,
      meanwhile: (database, nth) => {
        // Another part of the table each time, and more of it than one batch may hold.
        database.exec(`UPDATE artwork SET photos = '${String(nth)}' || printf('%.*c', 3000, 'p')`);
      },
    });
    const { code, text } = await failure(server);
    expect(code).toBe('SOURCE_CHANGED');
    expect(text).toContain('the table artwork');
  }, 120_000);

  it.each([
    ['a column that was added', 5, 'ALTER TABLE log ADD COLUMN more'],
    ['a table that is gone before it is read', 3, 'DROP TABLE log'],
    ['a column that has another name', 3, 'ALTER TABLE log RENAME COLUMN at TO time'],
  ])('is told when its schema changes: %s', async (_, at, migration) => {
    const server = await double(made(site), {
      size: false,
      meanwhile: (database, nth) => {
        if (nth === at) database.exec(migration);
      },
    });
    const { code, text } = await failure(server);
    expect(code).toBe('SOURCE_CHANGED');
    expect(text).toContain('the schema changed');
  });

  it('never gives a row twice, nor loses one that moves from page to page', async () => {
    const file = made(`
      CREATE TABLE seats (id INTEGER PRIMARY KEY, holder TEXT NOT NULL);
      CREATE TABLE places (name TEXT PRIMARY KEY, holder TEXT NOT NULL) WITHOUT ROWID;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO seats SELECT i, 'holder ' || i FROM n;
      INSERT INTO places SELECT printf('p%08d', id), holder FROM seats;`);
    const server = await double(file, {
      size: false,
      meanwhile: (database, nth) => {
        // From the first page behind the last, and from the last before the first.
        database.exec(`BEGIN;
          UPDATE seats SET id = ${String(10_000 + nth)} WHERE id = ${String(nth)};
          UPDATE seats SET id = ${String(-nth)} WHERE id = ${String(5001 - nth)};
          UPDATE places SET name = 'q${String(10_000 + nth)}' WHERE name = printf('p%08d', ${String(nth)});
          UPDATE places SET name = 'a${String(nth)}' WHERE name = printf('p%08d', ${String(5001 - nth)});
          COMMIT`);
      },
    });
    const held = restored(await backup(server));
    // Both tables of the same instant: what moved in one has moved in the other.
    const count = (table: string, moved: string): string =>
      sqlite(held, `SELECT count(*), count(DISTINCT holder), sum(${moved}) FROM ${table}`);
    expect(count('seats', 'id > 5000 OR id < 0')).toMatch(/^5000\|5000\|[1-9]/);
    expect(count('places', `name NOT LIKE 'p%'`)).toBe(count('seats', 'id > 5000 OR id < 0'));
  }, 60_000);

  it('is backed up while it writes five times a second what people do on it', async () => {
    const file = made(`
      CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, status TEXT NOT NULL);
      CREATE TABLE activity (id INTEGER PRIMARY KEY, artwork_id TEXT NOT NULL REFERENCES artwork (id), seen INTEGER NOT NULL, note TEXT);
      CREATE TABLE counted (activities INTEGER, seen INTEGER);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO artwork SELECT 'w' || i, hex(randomblob(200)), 'approved' FROM n;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO activity SELECT i, 'w' || (1 + i % 5000), 0, hex(randomblob(40)) FROM n;
      INSERT INTO counted VALUES (20000, 0);`);
    const server = await double(file, { latency: 100 });
    const next = random();
    let writes = 0;
    const site = setInterval(() => {
      writes += 1;
      const old = 1 + Math.floor(next() * 20_000);
      server.database.exec(`BEGIN;
        INSERT INTO activity (artwork_id, seen) VALUES ('w7', 0);
        UPDATE activity SET seen = seen + 1 WHERE id = ${String(old)};
        UPDATE counted SET activities = activities + 1, seen = seen + 1;
        COMMIT`);
    }, 200);
    try {
      const held = restored(await backup(server));
      expect(writes).toBeGreaterThan(5);
      const [counted, there] = [
        sqlite(held, 'SELECT activities, seen FROM counted'),
        sqlite(held, 'SELECT count(*), sum(seen) FROM activity'),
      ];
      expect(there).toBe(counted);
    } finally {
      clearInterval(site);
    }
  }, 120_000);
});
