// What happens to one case, inside workerd: each call from outside would be a round trip for which Node stands still.

/* global Response */

import { readRows } from './rows.mjs';

/** As wrangler does: one transaction. */
function execute(db, statements) {
  return db.batch(statements.map((statement) => db.prepare(statement)));
}

async function schema(db) {
  const shadow = new Set(
    (await db.prepare(`SELECT name FROM pragma_table_list WHERE type = 'shadow'`).raw()).flat(),
  );
  const { results } = await db
    .prepare(
      `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'`,
    )
    .all();
  return results
    .map((row) => [row.type, row.name, row.tbl_name, row.sql])
    .filter(([, , table]) => !shadow.has(table));
}

/** The rows of a table, or of the vocabulary that is made for them. */
async function read(db, { columns, from, vocabulary }) {
  if (vocabulary === null) return readRows(db, columns, from);
  const [module, args] = vocabulary;
  await db.prepare(`CREATE VIRTUAL TABLE ${from} USING ${module}(${args})`).run();
  const rows = await readRows(db, columns, from);
  await db.prepare(`DROP TABLE ${from}`).run();
  return rows;
}

/** Whether D1 takes an object and stores its text. */
async function takes(db, { type, name, sql, statements }) {
  try {
    await execute(db, statements);
  } catch {
    return false;
  }
  const stored = await db
    .prepare('SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?')
    .bind(type, name)
    .first('sql');
  return stored === sql;
}

/**
 * Loads `statements`, tells the schema and the rows of `contents`, or why there are none, and at last which of the
 * objects `others` D1 takes as well.
 */
async function hold(db, { statements, contents, others }) {
  try {
    await execute(db, statements);
  } catch ({ message }) {
    return { refused: message };
  }
  const held = { schema: await schema(db), contents: [], taken: [] };
  for (const content of contents) {
    held.contents.push(
      await read(db, content).then(
        (rows) => ({ rows }),
        ({ message }) => ({ message }),
      ),
    );
  }
  for (const other of others) held.taken.push(await takes(db, other));
  return held;
}

export default {
  async fetch(request, databases) {
    const { name, asked } = await request.json();
    return Response.json(await hold(databases[name], asked));
  },
};
