/** The job that makes a private backup. The archive stays in a folder that nothing serves. */

import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { comes, secondMs } from '../clock.js';
import { codeOf } from '../codes.js';
import type { Engine } from '../engine.js';
import { makeNamed, makePrivate } from '../folders.js';
import { logWarning } from '../log.js';
import type { AdminOptions } from '../options.js';
import { replace } from '../replace.js';
import { progressOf } from './job.js';
import type { Outcome, Work } from './runner.js';

const nameShape = /^backup-(\d{4}-\d\d-\d\d)-(\d\d)(\d\d)(\d\d)\.zip$/;

/** What the list says about one archive. Without a record, for one made by hand, less is known. */
export interface BackupEntry {
  readonly filename: string;
  readonly created_at: string;
  readonly size: number;
  readonly sha256: string | null;
  readonly complete: boolean | null;
  readonly warnings: readonly string[] | null;
}

export class BackupJobs {
  readonly #records: string;
  /** What could not be written down, by file name. */
  readonly #unwritten = new Map<string, BackupEntry>();

  constructor(
    private readonly options: AdminOptions,
    private readonly engine: Engine,
  ) {
    this.#records = join(options.stateDir, 'backups');
    makeNamed(this.#records, 'ADMIN_STATE_DIR', 0o700);
    makePrivate(options.backupDir, 'BACKUP_OUTPUT_DIR');
  }

  async make({ signal, report }: Work): Promise<Outcome> {
    const { database, photos, backupDir } = this.options;
    await this.#freeSecond(signal);
    const result = await this.engine.createBackup({
      database,
      ...(photos === undefined ? {} : { photos }),
      outputDir: backupDir,
      signal,
      onProgress: (progress) => {
        report(progressOf(progress));
      },
    });
    const entry: BackupEntry = {
      filename: result.filename,
      created_at: result.metadata.created_at,
      size: result.size,
      sha256: result.sha256,
      complete: result.complete,
      warnings: result.warnings.map(({ message }) => message),
    };
    await this.#writeDown(entry).catch((error: unknown) => {
      this.#unwritten.set(entry.filename, entry);
      logWarning(`${entry.filename} was made, but could not be noted down: ${String(error)}`);
    });
    return { state: 'succeeded', result: entry };
  }

  /** A backup is called by the second it is made in, too: one made right after another waits. */
  async #freeSecond(signal: AbortSignal): Promise<void> {
    for (;;) {
      const second = Math.floor(Date.now() / secondMs) * secondMs;
      if (!existsSync(join(this.options.backupDir, nameAt(second)))) return;
      await comes(second + secondMs, signal);
    }
  }

  async #writeDown(entry: BackupEntry): Promise<void> {
    await mkdir(this.#records, { recursive: true, mode: 0o700 });
    const path = this.#pathOf(entry.filename);
    try {
      await writeFile(`${path}.part`, JSON.stringify(entry), { mode: 0o600 });
      await replace(`${path}.part`, path);
    } finally {
      await rm(`${path}.part`, { force: true });
    }
  }

  /** The archives, newest first, and the last good one. */
  async list(): Promise<object> {
    const found = await readdir(this.options.backupDir).catch((error: unknown) => {
      // Somebody has removed the folder; the next backup makes it anew.
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const names = found.filter((name) => nameShape.test(name));
    const entries = await Promise.all(
      names
        .sort()
        .reverse()
        .map((name) => this.#entry(name)),
    );
    const backups = entries.filter((entry) => entry !== undefined);
    const good = backups.find(({ complete }) => complete === true);
    const ageMs = good && Date.now() - Date.parse(good.created_at);
    return {
      backups,
      total: backups.length,
      last_good: good?.filename ?? null,
      last_good_at: good?.created_at ?? null,
      last_good_age_seconds: ageMs === undefined ? null : Math.max(0, Math.round(ageMs / 1000)),
      retrieved_at: new Date().toISOString(),
    };
  }

  async #entry(filename: string): Promise<BackupEntry | undefined> {
    const found = await stat(join(this.options.backupDir, filename)).catch(() => undefined);
    if (found === undefined) return undefined;
    const record = await this.#record(filename);
    if (record?.size === found.size) return record;
    const created_at = filename.replace(nameShape, '$1T$2:$3:$4Z');
    return { filename, created_at, size: found.size, sha256: null, complete: null, warnings: null };
  }

  async #record(filename: string): Promise<BackupEntry | undefined> {
    try {
      return JSON.parse(await readFile(this.#pathOf(filename), 'utf8')) as BackupEntry;
    } catch {
      return this.#unwritten.get(filename);
    }
  }

  #pathOf(filename: string): string {
    return join(this.#records, `${filename}.json`);
  }
}

/** The file name of a backup that is made in a second, in milliseconds. */
function nameAt(second: number): string {
  const instant = new Date(second).toISOString();
  return `backup-${instant.slice(0, 10)}-${instant.slice(11, 19).replaceAll(':', '')}.zip`;
}
