/** What Cloudflare's API does to values, to requests and to the time they take: exact rows, or an honest end. */

import { folder, listing, run } from './support';
import { account, databaseId, type Fault, type Result, token } from './support/d1';
import { backup, byFile, double, failure, made, script } from './support/d1-backup';
import { full, random, seed } from './support/random';

const site = `
CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
CREATE TABLE visits (id INTEGER PRIMARY KEY, artwork_id TEXT NOT NULL REFERENCES artwork (id));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
  INSERT INTO artwork SELECT 'w' || i, 'Work ' || i, NULL, 'approved' FROM n;
INSERT INTO visits SELECT rowid, id FROM artwork;`;

describe('numbers that JSON or JavaScript could change', () => {
  it('are any doubles, to their last bit', async () => {
    const next = random();
    const word = (): number => Math.floor(next() * 2 ** 32);
    const bits = new DataView(new ArrayBuffer(8));
    const doubles = Array.from({ length: full ? 50_000 : 5000 }, () => {
      bits.setUint32(0, word());
      bits.setUint32(4, word());
      return bits.getFloat64(0);
    }).filter(Number.isFinite);
    // Places on earth, as the platform has them: SQL's own writing of them is wrong in some last bits.
    const places = Array.from({ length: 1000 }, () => (next() - 0.5) * 360);
    const rows = [...doubles, ...places].map((value) => `(${value.toExponential(16)})`);
    const file = made(`CREATE TABLE t (x); INSERT INTO t VALUES (-0.0), (0.0), ${rows.join(',')}`);
    const server = await double(file);
    expect({ seed, same: script(await backup(server)) === (await byFile(file)) }).toEqual({
      seed,
      same: true,
    });
  });

  it('are changed by the API when they are asked for as they are', async () => {
    const file = made(
      'CREATE TABLE t (x); INSERT INTO t VALUES (9007199254740993), (-0.0), (9e999)',
    );
    const { apiUrl } = await double(file);
    const asked = await fetch(`${apiUrl}/accounts/${account}/d1/database/${databaseId}/raw`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql: 'SELECT x FROM t' }),
    });
    const answer = (await asked.json()) as { result: [{ results: { rows: unknown[] } }] };
    expect(answer.result[0].results.rows).toEqual([[9007199254740992], [0], [null]]);
  });

  it('lose nothing but the sign of a zero where the database cannot tell it', async () => {
    const rows = '(0.0), (-0.0), (1.5), (9223372036854775807)';
    const file = made(`CREATE TABLE t (x); INSERT INTO t VALUES ${rows}`);
    const server = await double(file, {
      fault: (_, body) =>
        body.includes('atan2') ? { text: 'no such function: atan2: SQLITE_ERROR' } : undefined,
    });
    const expected = made(`CREATE TABLE t (x); INSERT INTO t VALUES ${rows.replace('-', '')}`);
    const result = await backup(server);
    expect(script(result)).toBe(await byFile(expected));
    expect(result.warnings.map(({ code }) => code)).toContain('ZEROS_WITHOUT_SIGN');
    const other = await backup(await double(file));
    expect(other.warnings.map(({ code }) => code)).not.toContain('ZEROS_WITHOUT_SIGN');
  });
});

/** What passes: https://developers.cloudflare.com/d1/observability/debug-d1/ */
const passing = [
  'D1 DB reset because its code was updated.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  'Network connection lost.',
  'Internal error in D1 DB storage caused object to be reset.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  "Can't read from request stream because client disconnected.",
  'D1 DB is overloaded. Requests queued for too long.',
  'D1 DB is overloaded. Too many requests queued.',
  'D1 DB storage operation exceeded timeout which caused object to be reset.',
  "D1 DB's isolate exceeded its memory limit and was reset.",
  'D1 DB exceeded its CPU time limit and was reset.',
  'internal error; reference = e_1234',
  'Currently processing a long-running export.',
];

/** What passes with the day. */
const spent =
  "D1_ERROR: Your account has exceeded D1's free tier daily row read limit. Upgrade to a paid plan or wait until " +
  'tomorrow (midnight UTC) to continue.';

/** What may become of an answer. */
const changes: [name: string, change: (one: Result) => void][] = [
  ['no results', (one) => delete one.results],
  ['null for results', (one) => (one.results = null)],
  ['results without rows', (one) => (one.results = {})],
  ['null for rows', (one) => (one.results = { rows: null })],
  ['a failure of the statement', (one) => Object.assign(one, { success: false, results: null })],
];
/** Of what, by the statement that asks for it. */
const tables: [words: RegExp, table: string][] = [
  [/FROM "?artwork"?/, 'a table'],
  [/FROM sqlite_schema/, 'the schema'],
];
const cases = changes.flatMap((change) =>
  tables.flatMap((table) =>
    [true, false].map((size) => [change[0], table[1], size, change[1], table[0]] as const),
  ),
);

describe('what D1 says when it cannot answer at the moment', () => {
  it('is no reason to give up: each of it once, at every request of a run', async () => {
    const file = made(site);
    const expected = await byFile(file);
    const runs = passing.map(async (text, at) => {
      // Every third request fails, from another one on each time.
      const fault = (nth: number): Fault | undefined => (nth % 3 === at % 3 ? { text } : undefined);
      const server = await double(file, { size: false, fault });
      return { text, same: script(await backup(server)) === expected };
    });
    expect((await Promise.all(runs)).filter(({ same }) => !same)).toEqual([]);
  }, 60_000);
});

describe('an answer without the rows that were asked for', () => {
  let file: string;
  let expected: string;

  beforeAll(async () => {
    file = made(site);
    expected = await byFile(file);
  });

  it.each(cases)('is asked for again: %s (%s; %s)', async (_, __, size, change, words) => {
    let changed = 0;
    const server = await double(file, {
      size,
      change: (result, statements) => {
        statements.forEach(({ sql }, at) => {
          const one = result[at];
          if (changed > 0 || !words.test(sql) || !one) return;
          change(one);
          changed += 1;
        });
      },
    });
    expect(script(await backup(server))).toBe(expected);
    expect(changed).toBe(1);
  });
});

describe('what goes on for ever', () => {
  const ends: [fault: Fault, from: number, words: RegExp][] = [
    ['limit', 1, /too many requests.*five minutes/],
    ['half', 1, /check the network/],
    [{ text: passing[2] ?? '' }, 4, /overloaded or down/],
    [{ text: 'Currently processing a long-running export.' }, 1, /an export.*is running/],
    ['gateway', 1, /overloaded or down/],
    ['gateway', 3, /overloaded or down/],
    ['login', 1, /something else answers in its place/],
    ['reset', 1, /check the network/],
    ['reset', 5, /check the network/],
    ['memory', 2, /gives up on even small parts/],
    [{ text: 'no such table: artwork: SQLITE_ERROR' }, 4, /does not take the SQL/],
    [{ text: spent }, 2, /free plan.*midnight UTC/],
  ];

  /** From whichever request on. */
  async function faulty(file: string, [fault, from, words]: (typeof ends)[0]): Promise<void> {
    const server = await double(file, {
      size: false,
      fault: (nth) => (nth >= from ? fault : undefined),
    });
    const { code, text } = await failure(server);
    expect({ fault, code }).toEqual({ fault, code: 'SOURCE_UNREACHABLE' });
    expect(text).toMatch(words);
  }

  const rowless: typeof cases = [
    ...cases,
    ...tables.map(([words, table]) => ['', table, true, () => undefined, words] as const),
  ];

  async function empty(
    file: string,
    [name, table, size, change, words]: (typeof rowless)[0],
  ): Promise<void> {
    const server = await double(file, {
      size,
      change: (result, statements) => {
        statements.forEach(({ sql }, at) => {
          const one = result[at];
          if (words.test(sql) && one) change(one);
        });
        if (name === '' && statements.some(({ sql }) => words.test(sql))) result.length = 0;
      },
    });
    const { code, text } = await failure(server);
    expect({ name, table, code }).toEqual({ name, table, code: 'SOURCE_UNREACHABLE' });
    expect(text).toMatch(/of the shape that its API describes/);
  }

  // The waiting of all of them goes on at the same time.
  it('is an error that says what it was, and no table is empty for it', async () => {
    const file = made(site);
    await Promise.all([
      ...ends.map((end) => faulty(file, end)),
      ...rowless.map((end) => empty(file, end)),
    ]);
  }, 90_000);
});

describe('the requests of five minutes', () => {
  const rows = full ? 700 : 70;

  it(`are not more than 1,200 when each of ${String(rows)} rows takes its own`, async () => {
    const file = made(`CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, status TEXT NOT NULL);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(rows)})
        INSERT INTO artwork SELECT 'w' || i, 'Work ' || i, 'approved' FROM n;`);
    const server = await double(file, {
      size: false,
      fault: (_, body) => (/LIMIT (?!1")/.test(body) ? 'memory' : undefined),
    });
    expect(script(await backup(server))).toBe(await byFile(file));
    expect(server.requests).toBeGreaterThan(1.8 * rows);
    // The request that comes 1,200 after another comes five minutes after it.
    const { times } = server;
    times.slice(1200).forEach((time, nth) => {
      expect(time - (times[nth] ?? time)).toBeGreaterThan(300_000);
    });
  });

  it('are more than a platform of 1,200 artworks needs', async () => {
    const server = await double(made(site), { size: false });
    await backup(server);
    expect(server.requests).toBeLessThan(20);
  });
});

describe('values of a megabyte each', () => {
  it('are held some at a time, however many there are', async () => {
    const file = made(`CREATE TABLE artwork (id INTEGER PRIMARY KEY, shape TEXT, note TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
        INSERT INTO artwork SELECT i, printf('%06d', i) || printf('%.*c', 1000000, 's'), 'short' FROM n;`);
    const server = await double(file, { size: false });
    expect(script(await backup(server))).toBe(await byFile(file));
    // Between two pages, or two parts that are read again, comes what is held together.
    const together = [0];
    for (const sql of server.statements) {
      const isPart = /hex\(substr\(CAST\("shape" AS BLOB\), \d+, 400000\)\)/.test(sql);
      if (!isPart) together.push(0);
      else together.push((together.pop() ?? 0) + 400_000);
    }
    expect(Math.max(...together)).toBeGreaterThan(1_000_000);
    expect(Math.max(...together)).toBeLessThan(6_000_000);
  });
});

it('a dry run says what would be read, and makes nothing', async () => {
  const server = await double(made(site));
  const cwd = folder();
  const env = {
    CLOUDFLARE_ACCOUNT_ID: account,
    CLOUDFLARE_API_TOKEN: token,
    CLOUDFLARE_API_BASE_URL: server.apiUrl,
    D1_DATABASE_ID: databaseId,
  };
  const args = ['backup', '--remote', '--no-photos', '--dry-run'];
  const { code, stdout, stderr } = await run(args, { cwd, env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/REMOTE/);
  expect(stdout).toContain(databaseId);
  expect(stdout).toContain('2 tables, 2,400 rows');
  expect(stdout).not.toContain(token);
  expect(listing(cwd)).toEqual([]);
  expect(server.statements.filter((sql) => !sql.startsWith('SELECT '))).toEqual([]);
});
