/** The parts that make and publish, with or without the web service in front of them. */

import { resolve } from 'node:path';

import { checkStorage } from './checks.js';
import { realEngine } from './engine.js';
import { makePrivate } from './folders.js';
import { BackupJobs } from './jobs/backup.js';
import { DumpJobs } from './jobs/dump.js';
import type { Job } from './jobs/job.js';
import { JobRecords } from './jobs/records.js';
import { JobRunner } from './jobs/runner.js';
import { logDefect } from './log.js';
import type { AdminOptions, S3Options } from './options.js';
import { Catalogue } from './storage/catalogue.js';
import { FolderStore } from './storage/folder.js';
import { type ObjectStore, onceLoaded } from './storage/store.js';

export interface Workshop {
  /** The service's own memory, absolute. */
  readonly stateDir: string;
  readonly store: ObjectStore;
  readonly catalogue: Catalogue;
  readonly runner: JobRunner;
  readonly dumps: DumpJobs;
  readonly backups: BackupJobs;
}

/** Dumps that stay published unless told otherwise: a year of months. */
const defaultKeep = 12;

export function assemble(options: AdminOptions, onEnd: (job: Job) => void): Workshop {
  checkStorage(options);
  const stateDir = resolve(options.stateDir);
  makePrivate(stateDir, 'ADMIN_STATE_DIR');
  const settled = { ...options, stateDir, backupDir: resolve(options.backupDir) };

  const { engine = realEngine, dumps: target, keep = defaultKeep } = options;
  const store =
    's3' in target ? onceLoaded(bucket(target.s3)) : new FolderStore(resolve(target.directory));
  const catalogue = new Catalogue(store, target.publicUrl.replace(/\/+$/, ''), keep);
  const records = new JobRecords(stateDir);
  const dumps = new DumpJobs(settled, engine, catalogue, records);
  const sweep = (): void => void dumps.sweep().catch(logDefect);
  const runner = new JobRunner(records, store, {
    onEnd: (job) => {
      onEnd(job);
      sweep();
    },
    onDefect: logDefect,
  });
  sweep();
  return { stateDir, store, catalogue, runner, dumps, backups: new BackupJobs(settled, engine) };
}

/** Amazon's client takes longer to load than the rest of the service, which does without where dumps go to a folder. */
async function bucket(options: S3Options): Promise<ObjectStore> {
  const { S3Store } = await import('./storage/s3.js');
  return new S3Store(options);
}
