/** Jobs on disk, one file each, so that a restarted service can tell what became of them. */

import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeNamed } from '../folders.js';
import { replaceSync } from '../replace.js';
import { isOurs } from './instance.js';
import { isJobId } from './job.js';
import type { Job } from './job.js';

/** Jobs that are remembered. */
const kept = 100;

/** A job as it lies on the disk: older services have not written down when it was started. */
type Written = Omit<Job, 'started_at'> & Partial<Pick<Job, 'started_at'>>;

export class JobRecords {
  readonly #folder: string;
  readonly #jobs = new Map<string, Job>();

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'jobs');
    makeNamed(this.#folder, 'ADMIN_STATE_DIR', 0o700);
  }

  /** The one that was started last comes first. */
  all(): readonly Job[] {
    this.#lookForOthers();
    return [...this.#jobs.values()].sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  }

  /** A job; one that another process of this state folder runs is read anew. */
  get(id: string): Job | undefined {
    const known = this.#jobs.get(id);
    const isKnown = known !== undefined && isOurs(known.instance);
    if (isKnown || !isJobId(id)) return known;
    const read = this.#read(id);
    if (read === undefined) return known;
    // One object for one job: who holds it sees what becomes of it.
    const job = known === undefined ? read : Object.assign(known, read);
    this.#jobs.set(id, job);
    return job;
  }

  /** Keeps a job, here and on the disk. */
  save(job: Job): void {
    this.#jobs.set(job.id, job);
    this.write(job);
    for (const old of this.all()
      .filter((one) => one.state !== 'running')
      .slice(kept)) {
      if (old.kept !== null) continue;
      this.#jobs.delete(old.id);
      remove(this.#path(old.id));
    }
  }

  /** Writes a job down for other processes. A disk without room loses the memory of it, not the job. */
  write(job: Job): void {
    const path = this.#path(job.id);
    try {
      writeFileSync(`${path}.part`, JSON.stringify({ ...job, progress: null }), { mode: 0o600 });
      replaceSync(`${path}.part`, path);
    } catch {
      remove(`${path}.part`);
    }
  }

  /** Jobs that another process of this state folder has started since. */
  #lookForOthers(): void {
    for (const name of namesIn(this.#folder)) {
      const id = name.endsWith('.json') ? name.slice(0, -5) : '';
      if (!isJobId(id) || this.#jobs.has(id)) continue;
      const job = this.#read(id);
      if (job !== undefined) this.#jobs.set(id, job);
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }

  #read(id: string): Job | undefined {
    try {
      const job = JSON.parse(readFileSync(this.#path(id), 'utf8')) as Written;
      return { started_at: job.created_at, ...job };
    } catch {
      return undefined;
    }
  }
}

/** What lies in a folder; nothing where it cannot be read: what is in memory is told all the same. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A disk that cannot be written keeps what it has; that stops no job. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is tried again with the next job.
  }
}
