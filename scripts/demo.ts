/**
 * `npm run demo`: makes an invented archive of public art in a fresh folder, backs it up through the package's public
 * API, makes a public data dump of it, and shows what came out. Nothing of yours is read.
 */

import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { Command } from 'commander';

import '../dist/admin/built.js';
import { codeOf } from '../dist/admin/codes.js';
import { surviveLostOutput } from '../dist/admin/stdio.js';
import { createBackup, createDataDump } from '../index.js';
import { describe, exitCode } from './cli/errors.js';
import { counted } from './cli/format.js';
import { summarise, summariseDump } from './cli/summary.js';
import { describeArchive } from './demo/listing.js';
import { makeSample, type Sample, type StoredPhoto } from './demo/sample.js';
import { schema } from './demo/schema.js';

/** PowerShell may swallow the two dashes that `npm run` needs. */
const backup =
  process.platform === 'win32' ? 'npx --no cultural-archiver-backup backup' : 'npm run backup --';

surviveLostOutput();
const command = new Command('demo')
  .description('makes an invented archive of public art, a backup and a data dump of it')
  .option('--dir <dir>', 'where; with a number behind it when that is taken', 'demo')
  .exitOverride((end) => process.exit(end.exitCode === 0 ? exitCode.complete : exitCode.usage))
  .parse();
try {
  await main(command.opts<{ dir: string }>().dir);
} catch (error) {
  const { message, causes } = describe(error);
  console.error([`error: ${message}`, ...causes.map((cause) => `  because: ${cause}`)].join('\n'));
  process.exitCode = exitCode.failed;
}

async function main(base: string): Promise<void> {
  const folder = await freshFolder(base);
  const file = join(folder, 'archive.sqlite');
  const directory = join(folder, 'photos');
  const outputDir = join(folder, 'backups');

  const { rows, photos } = makeSample();
  makeDatabase(file, rows);
  for (const photo of photos) await store(directory, photo);
  const works = rows.filter(([table]) => table === 'artwork').length;
  say(
    `Made a sample in ${folder}: ${counted(works, 'artwork')}, ${counted(photos.length, 'photo')}`,
  );

  const result = await createBackup({
    database: { file },
    photos: { directory },
    outputDir,
    now: '2026-01-02T03:04:05Z',
  });
  say('', `Backup of the database file ${file}`, ...summarise(result));
  say('', ...(await describeArchive(result.path)));

  const dump = await createDataDump({
    database: { file },
    photos: { directory },
    outputDir: join(folder, 'data-dumps'),
    now: '2026-01-02T03:04:05Z',
    source: { name: 'A sample archive' },
  });
  const dumpPath = dump.path ?? '';
  say('', `Data dump of the database file ${file}`, ...summariseDump(dump));
  say('', ...(await describeArchive(dumpPath)));
  say(
    '',
    'Try next:',
    ...peeks(quoted(dumpPath), quoted(result.path)),
    `  ${backup} --database-file ${quoted(file)} --photos-dir ${quoted(directory)} --output-dir ${quoted(outputDir)}`,
    `  ${backup} --help`,
  );
}

/** Commands that look into the two archives. The tar that comes with Windows reads ZIPs; unzip does not come with it. */
function peeks(dump: string, backup: string): string[] {
  return process.platform === 'win32'
    ? [
        `  tar -xOf ${dump} README.md | more`,
        `  tar -tf ${backup}`,
        `  tar -xOf ${backup} database.sql | more`,
      ]
    : [
        `  unzip -p ${dump} README.md | less`,
        `  unzip -t ${backup}`,
        `  unzip -p ${backup} database.sql | less`,
      ];
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  if (/^[\w@%+=:,./\\-]+$/.test(path)) return path;
  return process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** The folder, or the first of `folder-2`, `folder-3`… that is free: nothing is ever overwritten. */
async function freshFolder(base: string): Promise<string> {
  await mkdir(dirname(base), { recursive: true });
  for (let n = 1; ; n += 1) {
    const folder = n === 1 ? base : `${base}-${n}`;
    try {
      await mkdir(folder);
      return folder;
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') continue;
      throw new Error(`cannot make the folder ${folder}; choose another with --dir`, { cause });
    }
  }
}

function makeDatabase(file: string, rows: Sample['rows']): void {
  // Works come before the artists and the types that they refer to.
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  db.exec(`${schema}\nBEGIN`);
  for (const [table, row] of rows) {
    const columns = Object.keys(row);
    const places = columns.map(() => '?').join(', ');
    const insert = `INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${places})`;
    db.prepare(insert).run(...Object.values(row));
  }
  db.exec('COMMIT');
  db.close();
}

async function store(directory: string, { key, bytes, modified }: StoredPhoto): Promise<void> {
  const path = join(directory, ...key.split('/'));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  await utimes(path, modified, modified);
}

function say(...lines: string[]): void {
  console.log(lines.join('\n'));
}
