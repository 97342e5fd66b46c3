// Loads the database.sql of every case in a folder into an empty D1 in real workerd, the way `wrangler d1 execute
// --file` does, and compares what is then in D1 with what the case expects. Run as `node judge.mjs <folder>`, on a
// folder that the engine test `export_cases` filled; prints one JSON object per case.

import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { Miniflare } from 'miniflare';

// wrangler is published as CommonJS.
const { unstable_splitSqlQuery: split } = createRequire(import.meta.url)('wrangler');

const here = path.dirname(fileURLToPath(import.meta.url));

// One workerd holds this many databases; memory is given back between batches.
const DATABASES = 70;

function splitOrNothing(sql) {
  try {
    return split(sql);
  } catch {
    return [];
  }
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

/** What stands in database-extra.sql and could be tried in D1, after everything else. */
function candidates(notKept) {
  const tables = new Set(notKept.filter(([type]) => type === 'table').map(([, name]) => name));
  return notKept
    .map(([type, name, table, sql]) => {
      const statements = splitOrNothing(`${sql}\n;\nSELECT 1;`);
      return { type, name, table, sql, statements };
    })
    .filter(
      ({ type, table, statements }) =>
        // What it belongs to stands there itself.
        (type === 'table' || !tables.has(table)) &&
        // wrangler would cut it, or run on into what follows.
        statements.length === 2,
    );
}

/** What D1 makes of a case: see worker.mjs. */
async function ask(miniflare, name, asked) {
  const body = JSON.stringify({ name, asked });
  const response = await miniflare.dispatchFetch('http://judge/', { method: 'POST', body });
  if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
  return response.json();
}

async function judge(miniflare, folder) {
  const expected = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8'));
  const verdict = {
    case: path.basename(folder),
    seed: expected.seed,
    recipes: expected.recipes,
    problems: [],
    couldStandInMain: [],
  };
  const others = candidates(expected.notKept);
  const held = await ask(miniflare, verdict.case, {
    statements: split(await readFile(path.join(folder, 'database.sql'), 'utf8')),
    contents: expected.contents.map(({ content }) => content),
    others,
  });
  if (held.refused !== undefined) {
    verdict.problems.push(`refused: ${held.refused.slice(0, 300)}`);
    return verdict;
  }
  verdict.problems.push(
    ...difference(
      'schema',
      expected.objects.map(asWranglerKeeps),
      held.schema.map((row) => JSON.stringify(row)),
    ),
  );
  for (const [at, { content, rows }] of expected.contents.entries()) {
    const { rows: found, message } = held.contents[at];
    verdict.problems.push(
      ...(found === undefined
        ? [`${content.what}: ${message}`]
        : difference(content.what, rows, found)),
    );
  }
  verdict.couldStandInMain = others
    .filter((_, at) => held.taken[at])
    .map(({ type, name }) => `${type} ${name}`);
  return verdict;
}

async function judgeAll(folder) {
  const cases = (await readdir(folder)).filter((name) => name.startsWith('case-'));
  cases.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  for (let start = 0; start < cases.length; start += DATABASES) {
    const batch = cases.slice(start, start + DATABASES);
    const miniflare = new Miniflare({
      modules: true,
      modulesRoot: here,
      scriptPath: path.join(here, 'worker.mjs'),
      modulesRules: [{ type: 'ESModule', include: ['**/*.mjs'] }],
      compatibilityDate: '2026-01-01',
      compatibilityFlags: ['nodejs_compat'],
      d1Databases: Object.fromEntries(batch.map((name) => [name, name])),
    });
    try {
      for (const name of batch) {
        const verdict = await judge(miniflare, path.join(folder, name));
        process.stdout.write(`${JSON.stringify(verdict)}\n`);
      }
    } finally {
      await miniflare.dispose();
    }
  }
}

await judgeAll(process.argv[2]);
