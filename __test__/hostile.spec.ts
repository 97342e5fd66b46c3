/** SQL scripts that are out to do harm: they are refused, and nothing is written anywhere. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, listing, removeFolders } from './support';
import { runJob } from './support/process';

afterEach(removeFolders);

const start = 'CREATE TABLE t (x);\n';

const scripts: [title: string, script: string, message: RegExp][] = [
  ['ATTACH', "ATTACH 'evil.db' AS e; CREATE TABLE e.t (x);", /line 2 uses ATTACH/],
  ['ATTACH of a URI', "ATTACH 'file:evil.db?mode=rwc' AS e;", /line 2 uses ATTACH/],
  ['VACUUM INTO', "VACUUM INTO 'evil.db';", /line 2/],
  ['VACUUM INTO outside a transaction', "COMMIT; /* */ VACUUM/**/INTO 'evil.db';", /line 2/],
  ['a value of a gigabyte', 'INSERT INTO t VALUES (zeroblob(1000000000));', /line 2/],
  [
    'many values of a megabyte',
    `INSERT INTO t VALUES ${'(zeroblob(1000000)), '.repeat(200)}(1);`,
    /line 2/,
  ],
  [
    'triggers that call each other',
    `CREATE TABLE u (x);
     CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO u VALUES (1); END;
     CREATE TRIGGER b AFTER INSERT ON u BEGIN INSERT INTO t VALUES (1); END;
     PRAGMA recursive_triggers = ON;
     INSERT INTO t VALUES (1);`,
    /line [56]/,
  ],
  [
    'a trigger that doubles a table',
    `CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO t SELECT randomblob(1000) FROM t; END;
     ${'INSERT INTO t VALUES (1);\n'.repeat(40)}`,
    /line \d+/,
  ],
  ['a command of the shell', '.shell touch evil.db', /line 2 is a command of the sqlite3 shell/],
  ['a command that reads', '.read /etc/passwd', /line 2 is a command of the sqlite3 shell/],
  ['an extension', "SELECT load_extension('evil');", /line 2/],
  ['a function that writes', "SELECT writefile('evil.db', 'x');", /line 2/],
  ['a function that reads', "INSERT INTO t VALUES (readfile('/etc/passwd'));", /line 2/],
  [
    'a schema written by hand',
    'PRAGMA writable_schema = ON;\nDELETE FROM sqlite_schema;',
    /line [23]/,
  ],
  ['another place for temporary files', "PRAGMA temp_store_directory = '.';", /line 2/],
  ['a journal', 'PRAGMA journal_mode = WAL;', /line 2/],
  [
    'a module that does not belong here',
    "CREATE VIRTUAL TABLE v USING csv(filename = '/etc/passwd');",
    /line 2/,
  ],
  [
    'views that double each other, each before those that it is made of',
    `${Array.from(
      { length: 18 },
      (_, n) => `CREATE VIEW v${18 - n} AS SELECT x.a FROM v${17 - n} x, v${17 - n} y;\n`,
    ).join('')}CREATE VIEW v0 AS SELECT 1 AS a;`,
    /line \d+ .*far more data/,
  ],
  // The only one that is stopped by the clock, after ten seconds.
  [
    'an endless query',
    'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;',
    /line 2 .*far longer/,
  ],
];

describe('a hostile script', () => {
  it.each(scripts)('is refused: %s', async (_, script, message) => {
    const dir = folder();
    writeFileSync(join(dir, 'archive.sql'), start + script);
    const options = { database: { sql: 'archive.sql' }, outputDir: 'out' };
    const { error, after } = await runJob({ options }, [], dir);
    expect(error).toMatchObject({ code: 'DATABASE_UNREADABLE' });
    expect(error?.message).toMatch(message);
    expect(after).toBeNull();
    expect(listing(dir)).toEqual(['archive.sql']);
    expect(readFileSync(join(dir, 'archive.sql'), 'utf8')).toBe(start + script);
  });
});
