/** Archives to verify: small ones of either kind, and the same with other bytes. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup, createDataDump, type VerifyReport } from '../../index.js';
import { newer, photos } from './platform';
import { sqlite } from './tools';

export const now = '2026-01-02T03:04:05Z';

/** The archive with other bytes. */
export function altered(archive: string, dir: string, change: (bytes: Buffer) => Buffer): string {
  const target = join(dir, 'altered.zip');
  writeFileSync(target, change(readFileSync(archive)));
  return target;
}

export async function backup(dir: string): Promise<string> {
  const file = newer(dir);
  const directory = photos(dir);
  const made = await createBackup({
    database: { file },
    photos: { directory },
    outputDir: dir,
    now,
  });
  return made.path;
}

/** As few bytes as a backup can have. */
export async function tiny(dir: string): Promise<string> {
  const file = join(dir, 'tiny.sqlite');
  sqlite(
    file,
    "CREATE TABLE artwork(id TEXT, status TEXT, photos TEXT); INSERT INTO artwork VALUES ('a', 'approved', NULL)",
  );
  const made = await createBackup({ database: { file }, outputDir: dir, now });
  return made.path;
}

export async function dump(dir: string): Promise<string> {
  const file = newer(dir);
  sqlite(
    file,
    "UPDATE artwork SET title = 'A lion of bronze' WHERE id = (SELECT min(id) FROM artwork WHERE status = 'approved')",
  );
  const made = await createDataDump({ database: { file }, outputDir: dir, now });
  return made.path ?? '';
}

export function told({ problems }: VerifyReport): string[] {
  return problems.map(({ code, subject = '', message }) => `${code} ${subject}: ${message}`);
}
