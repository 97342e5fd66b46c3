/** Jobs on disk, one file each, so that a restarted service can tell what became of them. */

import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isOurs } from './instance.js';
import type { Job } from './job.js';

/** Jobs that are remembered. */
const kept = 100;

export class JobRecords {
  readonly #folder: string;
  readonly #jobs = new Map<string, Job>();

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'jobs');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      const job = name.endsWith('.json') ? this.#read(name.slice(0, -5)) : undefined;
      if (job !== undefined) this.#jobs.set(job.id, job);
    }
  }

  /** The one that was started last comes first. */
  all(): readonly Job[] {
    return [...this.#jobs.values()].sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
  }

  /** A job; one that another process of this state folder runs is read anew. */
  get(id: string): Job | undefined {
    const known = this.#jobs.get(id);
    const isKnown = known !== undefined && isOurs(known.instance);
    if (isKnown || !/^[0-9a-f-]{36}$/.test(id)) return known;
    const read = this.#read(id);
    if (read !== undefined) this.#jobs.set(id, read);
    return read ?? known;
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
      rmSync(this.#path(old.id), { force: true });
    }
  }

  /** Writes a job down for other processes. A disk without room loses the memory of it, not the job. */
  write(job: Job): void {
    const path = this.#path(job.id);
    try {
      writeFileSync(`${path}.part`, JSON.stringify({ ...job, progress: null }), { mode: 0o600 });
      renameSync(`${path}.part`, path);
    } catch {
      rmSync(`${path}.part`, { force: true });
    }
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }

  #read(id: string): Job | undefined {
    try {
      return JSON.parse(readFileSync(this.#path(id), 'utf8')) as Job;
    } catch {
      return undefined;
    }
  }
}
