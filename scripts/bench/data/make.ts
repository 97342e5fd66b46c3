/** `node make.js FOLDER ARTWORKS PHOTOS SEED`: makes one data set; lines on stderr say how far it is. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Random } from '../../demo/random.js';
import { schema } from '../../demo/schema.js';
import { loadSqlite, type Sqlite, type Statement } from '../peers.js';
import { files, type Summary } from '../data.js';
import { makePlatform } from './artworks.js';
import { type Photo, planPhotos, writePhotos } from './photos.js';
import { type Insert, Rows } from './rows.js';

const [, , folder = '', ...numbers] = process.argv;
const [artworks = 0, photos = 0, seed = 0] = numbers.map(Number);
await make();

async function make(): Promise<void> {
  const at = files(folder);
  mkdirSync(folder, { recursive: true });
  const random = new Random(seed);
  const plan = planPhotos(photos, random);
  const rows = await makeDatabase(at.database, plan, random);
  const photoBytes = writePhotos(plan, at.photos, seed, every(1_000, 'photos', photos));
  const summary: Summary = {
    artworks,
    rows,
    photos,
    databaseBytes: statSync(at.database).size,
    photoBytes,
  };
  writeFileSync(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
}

async function makeDatabase(file: string, plan: readonly Photo[], random: Random): Promise<number> {
  const Database = await loadSqlite();
  const db = new Database(file);
  // Nobody needs a half-made file: an interrupted run starts again.
  for (const setting of ['journal_mode = OFF', 'synchronous = OFF', 'foreign_keys = OFF']) {
    db.pragma(setting);
  }
  db.pragma('cache_size = -262144');
  db.exec(schema);
  db.exec('BEGIN');
  let rows = 0;
  const insert = inserter(db);
  const made = new Rows(random, (table, row) => {
    insert(table, row);
    rows += 1;
  });
  makePlatform(made, artworks, plan, every(10_000, 'artworks', artworks));
  db.exec('COMMIT');
  // As workerd keeps D1: a reader takes no copy, and no writer waits for it.
  db.pragma('journal_mode = WAL');
  db.close();
  return rows;
}

function inserter(db: Sqlite): Insert {
  const statements = new Map<string, Statement>();
  return (table, row) => {
    let statement = statements.get(table);
    if (statement === undefined) {
      const columns = Object.keys(row);
      const places = columns.map(() => '?').join(', ');
      statement = db.prepare(`INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${places})`);
      statements.set(table, statement);
    }
    statement.run(...Object.values(row));
  };
}

function every(step: number, what: string, total: number): (done: number) => void {
  return (done) => {
    if (done % step === 0 || done === total) {
      process.stderr.write(`  ${done.toLocaleString('en-US')} ${what} made\n`);
    }
  };
}
