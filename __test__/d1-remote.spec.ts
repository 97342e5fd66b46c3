/** D1 at Cloudflare, by a double of its API on real SQLite: nothing lost, nothing torn, whatever fails meanwhile. */

import { databaseId, faults } from './support/d1';
import { backup, byFile, double, failure, made, script } from './support/d1-backup';

/** Names from `c<from>` up to that before `c<end>`. */
function columns(from: number, end: number): string {
  return Array.from({ length: end - from }, (_, nth) => `c${String(from + nth)}`).join(', ');
}

/** Whatever a database may hold that JSON, JavaScript or a page could lose. */
const odd = `
CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
  INSERT INTO artwork SELECT printf('w%05d', i), 'It''s ' || i || char(10) || '\\n é', NULL, 'approved' FROM n;
CREATE TABLE "odd ""name" (a, "b c" INTEGER, "select" REAL, n NUMERIC, t TEXT, b BLOB);
INSERT INTO "odd ""name" VALUES
  (9007199254740993, 9223372036854775807, 0.1, -9223372036854775808, 'a' || char(0) || 'b', X'00FF'),
  (-0.0, NULL, 9e999, 1e300, CAST(X'FF41' AS TEXT), X''), (0.0, 7, -9e999, 5e-324, '', zeroblob(450000)),
  (1.0, 1, 1.0, 49.28272910000001, 'x', 'text'), (2.2250738585072014e-308, 0, 1.7976931348623157e308, '', 'y', NULL);
INSERT INTO "odd ""name" (rowid, a, t) VALUES (-5, 'before', printf('%.*c', 850000, 'z')), (1000000, 'far', NULL);
CREATE TABLE pairs (x TEXT COLLATE NOCASE, y INTEGER, z, PRIMARY KEY (x, y DESC)) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)
  INSERT INTO pairs SELECT char(65 + i % 26) || (i % 5), i, i / 3.0 FROM n;
CREATE TABLE keyed (k PRIMARY KEY, v) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
  INSERT INTO keyed SELECT CASE i % 3 WHEN 0 THEN i WHEN 1 THEN 'k' || i ELSE CAST(i AS BLOB) END, i FROM n;
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, artwork_id TEXT REFERENCES artwork (id),
  doubled AS (id * 2), CHECK (id < 100000));
INSERT INTO counted (id, artwork_id) VALUES (1, 'w00001'), (900, 'w00002');
DELETE FROM counted WHERE id = 900;
CREATE TABLE wide (${columns(0, 100)});
INSERT INTO wide (c0, c99) VALUES (1, 'last'), (2, 'one');
CREATE TABLE hidden (rowid, _rowid_, oid, ${columns(3, 100)});
INSERT INTO hidden (rowid, c99) VALUES (1, 'z'), (2, 'y'), (3, 'x');
CREATE INDEX other_order ON hidden (c99, ${columns(80, 99)});
CREATE VIRTUAL TABLE found USING fts5(title, content='artwork', content_rowid='rowid');
INSERT INTO found(found) VALUES ('rebuild');
CREATE VIRTUAL TABLE own USING fts5(words, tokenize='porter');
INSERT INTO own VALUES ('bronze herons'), ('murals');
CREATE VIRTUAL TABLE bare USING fts5(words, content='');
INSERT INTO bare(rowid, words) VALUES (3, 'only the index');
CREATE INDEX by_title ON artwork (title) WHERE status = 'approved';
CREATE VIEW titles AS SELECT title FROM artwork -- no semicolon follows
;
CREATE TRIGGER follows AFTER INSERT ON artwork BEGIN
  INSERT INTO found(rowid, title) VALUES (new.rowid, new.title); END;
CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;`;

describe('a backup of D1 at Cloudflare', () => {
  it.each([
    ['in one batch', true],
    ['in pages', false],
  ])(
    'is that of the same file, %s',
    async (_, size) => {
      const file = made(odd);
      const expected = await byFile(file);
      const server = await double(file, { size });
      const result = await backup(server);
      expect(script(result) === expected).toBe(true);
      expect(result.metadata.source.database).toBe('d1');
      expect(result.metadata.database.left_out).toEqual(['_cf_KV']);
      expect(server.statements.filter((sql) => !sql.startsWith('SELECT '))).toEqual([]);
    },
    60_000,
  );

  it('is complete when any one of its requests fails once', async () => {
    const file = made(odd);
    const expected = await byFile(file);
    const sound = await double(file, { size: false });
    await backup(sound);
    expect(sound.requests).toBeGreaterThan(15);
    const runs = Array.from({ length: sound.requests }, (_, nth) => nth + 1);
    // Some at a time: most of what they do is wait before they ask again.
    while (runs.length > 0) {
      const several = runs.splice(0, 8).map(async (failing) => {
        const fault = faults[failing % faults.length] ?? 'reset';
        const server = await double(file, {
          size: false,
          fault: (nth) => (nth === failing ? fault : undefined),
        });
        return { failing, fault, same: script(await backup(server)) === expected };
      });
      const differing = (await Promise.all(several)).filter(({ same }) => !same);
      expect(differing).toEqual([]);
    }
  }, 180_000);

  it.each<[object, string, RegExp]>([
    [{ apiToken: 'another' }, 'SOURCE_REFUSED', /permission D1: Read/],
    [{ accountId: 'f'.repeat(32) }, 'SOURCE_REFUSED', /account id/],
    [
      { databaseId: databaseId.replace('3', '4') },
      'DATABASE_NOT_FOUND',
      /no database with this id/,
    ],
    [{ databaseId: 'placeholder' }, 'DATABASE_NOT_FOUND', /UUID/],
    [{ databaseId: '../x' }, 'INVALID_OPTIONS', /database\.d1\.databaseId/],
    [{ apiToken: '' }, 'INVALID_OPTIONS', /database\.d1\.apiToken/],
  ])('says what is wrong with %j', async (change, expected, words) => {
    const { code, text } = await failure(await double(made(odd)), change);
    expect(code).toBe(expected);
    expect(text).toMatch(words);
  });
});
