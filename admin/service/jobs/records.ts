/** Jobs on disk, one file each, so that a restarted service can tell what became of them. */

import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

import { codeOf } from '../codes.js';
import { makeNamed } from '../folders.js';
import { logWarning } from '../log.js';
import { replaceSync } from '../replace.js';
import { keptShape } from '../storage/published.js';
import { isOurs } from './instance.js';
import { isJobId, kinds, states } from './job.js';
import type { Job } from './job.js';

/** Jobs that are remembered. */
const kept = 100;

/** A job as it lies on the disk: older services have not written down when it was started. */
const shape = v.looseObject({
  id: v.string(),
  kind: v.picklist(kinds),
  created_at: v.string(),
  started_at: v.optional(v.string()),
  instance: v.object({
    id: v.string(),
    place: v.string(),
    pid: v.number(),
    started: v.nullable(v.string()),
  }),
  lock: v.nullable(v.string()),
  state: v.picklist(states),
  finished_at: v.nullable(v.string()),
  error: v.nullable(v.object({ code: v.string(), message: v.string() })),
  kept: v.nullable(keptShape),
});

export class JobRecords {
  readonly #folder: string;
  readonly #jobs = new Map<string, Job>();
  /** Jobs whose records cannot be read: each is told once. */
  readonly #unreadable = new Set<string>();

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

  /** Whether anything is written down about a job, be it what nobody here can read. */
  isNoted(id: string): boolean {
    return this.#jobs.has(id) || existsSync(this.#path(id));
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
    const path = this.#path(id);
    try {
      const job = v.parse(shape, JSON.parse(readFileSync(path, 'utf8')));
      if (job.id !== id) throw new Error('It is the record of another job');
      return { result: null, ...job, started_at: job.started_at ?? job.created_at, progress: null };
    } catch (error) {
      this.#tellUnreadable(id, codeOf(error) ?? 'it is damaged, or of another version');
      return undefined;
    }
  }

  #tellUnreadable(id: string, why: string): void {
    // There is none; or somebody is replacing it, while Windows refuses.
    const isPassing = ['ENOENT', 'EBUSY', 'EPERM'].includes(why);
    if (isPassing || this.#unreadable.has(id)) return;
    this.#unreadable.add(id);
    logWarning(
      `${this.#path(id)} cannot be read (${why}): its job is not listed, and a dump that it keeps stays where it is. ` +
        'Mend it, or remove it',
    );
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
