/** The flags that say where rows and photos are, the same for every command that reads them. */

import { type Command, Option } from 'commander';

import type { BackupOptions } from '../../index.js';
import { UsageError } from './errors.js';

/** Flags as commander hands them over. */
export interface SourceFlags {
  databaseFile?: string;
  databaseSql?: string;
  photosDir?: string;
}

/** What a command reads. */
export interface Sources extends Pick<BackupOptions, 'database' | 'photos'> {
  /** For people: which database, never a secret. */
  readonly name: string;
}

/** Adds the flags to a command. */
export function addSourceFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--database-file <file>', 'the rows: a SQLite file, also one in use').conflicts(
        'databaseSql',
      ),
    )
    .option('--database-sql <file>', 'the rows: an SQL script (wrangler d1 export, sqlite3 .dump)')
    .option('--photos-dir <dir>', 'the photos: a folder whose relative paths are the R2 keys');
}

/** Settles what is read. */
export function sourcesOf({ databaseFile, databaseSql, photosDir }: SourceFlags): Sources {
  const photos = photosDir === undefined ? undefined : { directory: photosDir };
  if (databaseFile !== undefined) {
    return { database: { file: databaseFile }, photos, name: `the database file ${databaseFile}` };
  }
  if (databaseSql !== undefined) {
    return { database: { sql: databaseSql }, photos, name: `the SQL script ${databaseSql}` };
  }
  throw new UsageError('no database was named: give --database-file FILE or --database-sql FILE');
}
