/** Runs one job at a time, tells how far it is, and remembers what became of it. */

import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

import { Problem } from '../envelope.js';
import { busy, change, currentHolder, Lock } from '../storage/lock.js';
import type { Claim, Holder } from '../storage/lock.js';
import type { KeptDump } from '../storage/published.js';
import type { ObjectStore } from '../storage/store.js';
import { endAfter } from './ending.js';
import { isGone, isOurs, self } from './instance.js';
import { elsewhere, isOver, newJob, nothingToPublish, told } from './job.js';
import type { Job, JobKind, JobProgress } from './job.js';
import type { JobRecords } from './records.js';

/** What a piece of work may use. */
export interface Work {
  readonly job: Job;
  readonly lock: Lock;
  readonly signal: AbortSignal;
  readonly report: (progress: JobProgress) => void;
  /** Writes down which dump the job keeps on the disk, so that it can be sent again even after a crash. */
  readonly keep: (dump: KeptDump | null) => void;
}

/** How a piece of work ended well. */
export interface Outcome {
  readonly state: 'succeeded' | 'review';
  readonly result: unknown;
}

/** Ends a job as failed although it was stopped: something is left behind that somebody has to see to. */
export class StoppedBadly extends Problem {}

export type Run = (work: Work) => Promise<Outcome>;

/** Jobs that are listed, beside those that somebody has to decide about. */
const listed = 20;

interface Running {
  readonly job: Job;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export interface RunnerEvents {
  readonly onEnd: (job: Job) => void;
  readonly onDefect: (error: unknown) => void;
}

export class JobRunner {
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #running: Running | undefined;
  /** Taken from the moment somebody asks, before the bucket has answered. */
  #reserved: Claim | undefined;
  /** The lock of the last change, which is over: one that could not be given back holds up nobody here. */
  #changed: string | undefined;
  #isClosing = false;

  constructor(
    readonly records: JobRecords,
    private readonly store: ObjectStore,
    private readonly events: RunnerEvents,
  ) {
    for (const job of records.all()) {
      if (isOver(job) || !isGone(job.instance)) continue;
      this.#interrupt(job);
      // Who is told about it is only being made.
      queueMicrotask(() => {
        this.events.onEnd(job);
      });
    }
  }

  /** Whether a job runs here, or something that no job may run beside. */
  get isBusy(): boolean {
    return this.#reserved !== undefined;
  }

  /** Starts a job, or the last part of one again; a Problem when there is one already. */
  async start(kind: JobKind, run: Run, again?: Job): Promise<Job> {
    if (this.#isClosing) throw closing();
    if (this.#reserved !== undefined) throw busy(this.#reserved);
    const job = again ?? newJob(kind);
    this.#reserved = { jobId: job.id, kind };
    try {
      const lock = await this.#lock(this.#reserved);
      try {
        await this.#settle();
        // While the bucket answered closing may have begun, or somebody has discarded what would be published.
        if (again?.kept === null) throw nothingToPublish();
        if (this.#isClosing as boolean) throw closing();
        this.#begin(job, run, lock);
      } catch (error) {
        await lock.release();
        throw error;
      }
      return job;
    } catch (error) {
      this.#reserved = undefined;
      throw error;
    }
  }

  /** Changes what is published: something short that no job may run beside. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosing) throw closing();
    if (this.#reserved !== undefined) throw busy(this.#reserved);
    this.#reserved = { jobId: randomUUID(), kind: change };
    try {
      const lock = await this.#lock(this.#reserved);
      try {
        return await work();
      } finally {
        this.#changed = lock.token;
        await lock.release();
      }
    } finally {
      this.#reserved = undefined;
    }
  }

  /**
   * A job of this memory. One that another process left unfinished is interrupted once that is certainly gone, or the
   * job's lock is free or stale.
   */
  async get(id: string): Promise<Job | undefined> {
    const job = this.records.get(id);
    if (job === undefined || isOver(job) || isOurs(job.instance)) return job;
    const { lock, instance } = job;
    try {
      const isDead = isGone(instance) || (await currentHolder(this.store))?.token !== lock;
      // What ends well is written down before its lock is free, so it has to be read after that. It may have been
      // started again since, under another lock.
      const left = this.records.get(id);
      if (left !== undefined && !isOver(left) && left.lock === lock && isDead) {
        this.#interrupt(left);
        this.events.onEnd(left);
      }
    } catch {
      // A bucket that cannot be asked says nothing about it.
    }
    return this.records.get(id);
  }

  /** A job as it is told; one that another instance runs is known from the lock alone. */
  async find(id: string): Promise<Readonly<Record<string, unknown>>> {
    const own = await this.get(id);
    if (own !== undefined) return told(own);
    const holder = await currentHolder(this.store);
    if (holder?.jobId !== id || holder.kind === change)
      throw new Problem(404, 'NOT_FOUND', 'There is no such job');
    return elsewhere(holder.jobId, holder.kind);
  }

  /** Recent jobs, and the one that is running, here or on another instance. */
  async recent(): Promise<object> {
    const own = this.records.all().filter(({ kept }, n) => n < listed || kept !== null);
    const jobs = (await Promise.all(own.map(({ id }) => this.get(id))))
      .filter((job) => job !== undefined)
      .map(told);
    if (this.#running !== undefined) return { jobs, running: told(this.#running.job) };
    // A bucket that cannot be asked hides the jobs of other instances, and none of ours.
    const holder = await currentHolder(this.store).catch(() => undefined);
    const isJob = holder !== undefined && holder.kind !== change && !this.#isOwnDead(holder);
    // One of ours that has its lock and has not begun is told by whoever asked for it.
    if (!isJob || holder.jobId === this.#reserved?.jobId) return { jobs, running: null };
    const job = this.records.get(holder.jobId);
    if (job === undefined) return { jobs, running: elsewhere(holder.jobId, holder.kind) };
    // Whoever took the lock to publish a dump that waits has not begun yet, or has died before.
    return { jobs, running: isOver(job) ? null : told(job) };
  }

  /** Stops the running job; false when it is not running here. */
  cancel(id: string): boolean {
    if (this.#running?.job.id !== id) return false;
    this.#running.stop.abort(new Problem(499, 'CANCELLED', 'The job was cancelled'));
    return true;
  }

  /** Calls back at each change of a job until the returned function is called. */
  watch(id: string, look: (job: Job) => void): () => void {
    this.#changes.on(id, look);
    return () => this.#changes.off(id, look);
  }

  /** Resolves when a job is over, or after a while. */
  async wait(job: Job, ms: number): Promise<void> {
    if (isOver(job)) return;
    await new Promise<void>((done) => {
      const end = (): void => {
        clearTimeout(timer);
        unwatch();
        done();
      };
      const timer = setTimeout(end, ms);
      const unwatch = this.watch(job.id, () => {
        if (isOver(job)) end();
      });
    });
  }

  /** Resolves when no job is running any more. */
  async finished(): Promise<void> {
    await this.#running?.ended;
  }

  /** Takes no more jobs, stops the running one and waits until it has cleaned up. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#running?.stop.abort(new Problem(503, 'INTERRUPTED', 'The service was shut down'));
    await this.finished();
  }

  /** Finds out what became of jobs that others have left unfinished: who has the lock is the only one that runs any. */
  async #settle(): Promise<void> {
    const unfinished = this.records.all().filter((job) => !isOver(job));
    await Promise.all(unfinished.map(({ id }) => this.get(id)));
  }

  #lock(wish: Claim): Promise<Lock> {
    return Lock.take(this.store, wish, (other) => this.#isOwnDead(other));
  }

  /**
   * Whether a lock was taken for a change or a job of ours that is over, or for a job that died: a restarted service
   * need not wait for it.
   */
  #isOwnDead({ jobId, token }: Holder): boolean {
    if (token === this.#changed) return true;
    const own = this.records.get(jobId);
    return own?.lock === token && (isOver(own) || isGone(own.instance));
  }

  #begin(job: Job, run: Run, lock: Lock): void {
    Object.assign(job, {
      state: 'running',
      started_at: new Date().toISOString(),
      instance: self,
      lock: lock.token,
      finished_at: null,
      error: null,
      progress: null,
    });
    this.records.save(job);
    const stop = new AbortController();
    // `AbortSignal.any` came with Node 20.3.
    const giveUp = (): void => {
      stop.abort(lock.lost.reason);
    };
    if (lock.lost.aborted) giveUp();
    else lock.lost.addEventListener('abort', giveUp);
    const work: Work = {
      job,
      lock,
      signal: stop.signal,
      report: (progress) => {
        job.progress = progress;
        this.#changes.emit(job.id, job);
      },
      keep: (dump) => {
        job.kept = dump;
        this.records.save(job);
      },
    };
    const ended = this.#carryOut(job, run, work).finally(() => {
      this.#running = undefined;
      this.#reserved = undefined;
      this.#changes.emit(job.id, job);
      this.events.onEnd(job);
    });
    this.#running = { job, stop, ended };
  }

  async #carryOut(job: Job, run: Run, work: Work): Promise<void> {
    let end: Pick<Job, 'state'> & Partial<Pick<Job, 'result' | 'error'>>;
    try {
      end = await run(work);
    } catch (error) {
      const isStopped = work.signal.aborted && !(error instanceof StoppedBadly);
      const reason: unknown = isStopped ? work.signal.reason : error;
      end = endAfter(reason, this.events.onDefect);
    }
    // The state changes last: whoever sees that a job is over finds the lock free. Other processes are told before:
    // to them a job that runs without its lock has died.
    const { state, ...rest } = end;
    Object.assign(job, rest, { progress: null, finished_at: new Date().toISOString() });
    this.records.write({ ...job, state });
    await work.lock.release();
    job.state = state;
    this.records.save(job);
  }

  #interrupt(job: Job): void {
    job.state = 'interrupted';
    job.finished_at = new Date().toISOString();
    job.error = { code: 'INTERRUPTED', message: 'The service ended before the job did' };
    this.records.save(job);
  }
}

function closing(): Problem {
  return new Problem(503, 'SHUTTING_DOWN', 'The service is shutting down');
}
