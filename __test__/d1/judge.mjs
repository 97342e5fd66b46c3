// Loads the database.sql of every case in a folder into an empty D1 in real workerd, the way `wrangler d1 execute
// --file` does, and compares what is then in D1 with what the case expects. Run as `node judge.mjs <folder>`, on a
// folder that the engine test `export_cases` filled; prints one JSON object per case.

import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

import { Miniflare } from 'miniflare';

import { readRows } from './rows.mjs';

// wrangler is published as CommonJS.
const { unstable_splitSqlQuery: split } = createRequire(import.meta.url)('wrangler');

// One workerd holds this many databases; memory is given back between batches.
const DATABASES = 50;

/** Runs a script as wrangler does: one transaction. */
async function execute(db, sql) {
  await db.batch(split(sql).map((statement) => db.prepare(statement)));
}

function splitOrNothing(sql) {
  try {
    return split(sql);
  } catch {
    return [];
  }
}

async function schema(db) {
  const { results } = await db
    .prepare(
      `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'`,
    )
    .all();
  return results.map((row) => [row.type, row.name, row.tbl_name, row.sql]);
}

/** wrangler drops comments and the white space around a statement; nothing else may have changed. */
function asWranglerKeeps([type, name, table, sql]) {
  const [kept] = split(`${sql}\n;\nSELECT 1;`);
  return JSON.stringify([type, name, table, kept]);
}

function difference(what, expected, found) {
  const count = (lines) =>
    lines.reduce((counts, line) => counts.set(line, (counts.get(line) ?? 0) + 1), new Map());
  const [before, after] = [count(expected), count(found)];
  const lost = [...before]
    .filter(([line, n]) => after.get(line) !== n)
    .map(([line]) => `${what}: lost ${line}`);
  const gained = [...after]
    .filter(([line, n]) => before.get(line) !== n)
    .map(([line]) => `${what}: new ${line}`);
  return [...lost.slice(0, 3), ...gained.slice(0, 3)].map((text) => text.slice(0, 600));
}

async function compareContent(db, { content, rows }) {
  if (content.vocabulary !== null) {
    const [module, args] = content.vocabulary;
    await db.prepare(`CREATE VIRTUAL TABLE ${content.from} USING ${module}(${args})`).run();
  }
  const found = await readRows(db, content.columns, content.from);
  if (content.vocabulary !== null) {
    await db.prepare(`DROP TABLE ${content.from}`).run();
  }
  return difference(content.what, rows, found);
}

/** What stands in database-extra.sql although D1 takes it, tried after everything else. */
async function couldStandInMain(db, notKept) {
  const taken = [];
  const tables = new Set(notKept.filter(([type]) => type === 'table').map(([, name]) => name));
  for (const [type, name, table, sql] of notKept) {
    if (type !== 'table' && tables.has(table)) {
      continue; // what it belongs to stands there itself
    }
    const statements = splitOrNothing(`${sql}\n;\nSELECT 1;`);
    if (statements.length !== 2) {
      continue; // wrangler would cut it, or run on into what follows
    }
    try {
      await db.batch(statements.map((statement) => db.prepare(statement)));
    } catch {
      continue;
    }
    const stored = await db
      .prepare('SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?')
      .bind(type, name)
      .first('sql');
    if (stored === sql) {
      taken.push(`${type} ${name}`);
    }
  }
  return taken;
}

async function judge(db, folder) {
  const expected = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8'));
  const verdict = {
    case: path.basename(folder),
    seed: expected.seed,
    recipes: expected.recipes,
    problems: [],
    couldStandInMain: [],
  };
  try {
    await execute(db, await readFile(path.join(folder, 'database.sql'), 'utf8'));
  } catch (error) {
    verdict.problems.push(`refused: ${String(error.message).slice(0, 300)}`);
    return verdict;
  }
  const shadow = new Set(
    (await db.prepare(`SELECT name FROM pragma_table_list WHERE type = 'shadow'`).raw()).flat(),
  );
  const found = (await schema(db)).filter(([, , table]) => !shadow.has(table));
  verdict.problems.push(
    ...difference(
      'schema',
      expected.objects.map(asWranglerKeeps),
      found.map((row) => JSON.stringify(row)),
    ),
  );
  for (const content of expected.contents) {
    verdict.problems.push(
      ...(await compareContent(db, content).catch((error) => [
        `${content.content.what}: ${error.message}`,
      ])),
    );
  }
  verdict.couldStandInMain = await couldStandInMain(db, expected.notKept);
  return verdict;
}

async function judgeAll(folder) {
  const cases = (await readdir(folder)).filter((name) => name.startsWith('case-'));
  cases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  for (let start = 0; start < cases.length; start += DATABASES) {
    const batch = cases.slice(start, start + DATABASES);
    const d1Databases = Object.fromEntries(batch.map((name) => [name, name]));
    const miniflare = new Miniflare({
      modules: true,
      script: '',
      compatibilityDate: '2026-01-01',
      d1Databases,
    });
    try {
      for (const name of batch) {
        const verdict = await judge(await miniflare.getD1Database(name), path.join(folder, name));
        process.stdout.write(`${JSON.stringify(verdict)}\n`);
      }
    } finally {
      await miniflare.dispose();
    }
  }
}

await judgeAll(process.argv[2]);
