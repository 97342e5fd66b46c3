/** Backups to restore, and what their index says. */

import { join } from 'node:path';

import { createBackup } from '../../index.js';
import { newer, photos } from './platform';
import { entry } from './tools';

export const now = '2026-01-02T03:04:05Z';

export interface IndexEntry {
  readonly key: string;
  readonly size: number;
  readonly sha256: string;
}

export async function backup(dir: string, make = newer): Promise<string> {
  const file = make(dir);
  const directory = photos(dir);
  const outputDir = join(dir, 'backups');
  const { path } = await createBackup({
    database: { file },
    photos: { directory },
    outputDir,
    now,
  });
  return path;
}

/** With every photo in the folder, whatever the rows say. */
export async function backupOfAll(dir: string, file: string): Promise<string> {
  const { path } = await createBackup({
    database: { file },
    photos: { directory: join(dir, 'photos') },
    photoScope: 'all',
    outputDir: dir,
    now,
  });
  return path;
}

export function index(archive: string): IndexEntry[] {
  return JSON.parse(entry(archive, 'photos/index.json')) as IndexEntry[];
}

/** What has to be the same in two backups of the same: the rows, and each photo under its key. */
export function contents(archive: string): { sql: string; photos: unknown[] } {
  const photos = index(archive).map(({ key, size, sha256 }) => [key, size, sha256]);
  return { sql: entry(archive, 'database.sql'), photos };
}
