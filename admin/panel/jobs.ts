/** Follows the job that is running, whoever started it, and remembers what became of the one this tab followed. */

import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { ComputedRef, Ref } from 'vue';

import { ApiError, isSignedOut, reasonOf } from './api.js';
import type { AdminApi, Job, JobKind } from './api.js';
import { Memory } from './memory.js';
import { channel, inOneTab } from './tabs.js';

/** Between two questions whether somebody else has started a job. */
const idleMs = 10_000;
/** Between two questions about a job whose stream does not work. */
const pollMs = 2000;

export interface Following {
  /** The job that is running, here or on another instance. */
  readonly running: Ref<Job | null>;
  /** Whether it was started in this browser. */
  readonly isOurs: ComputedRef<boolean>;
  /** Why it cannot be found out at the moment how far the job is; empty when it can. */
  readonly lost: Ref<string>;
  /** What became of the last job of a kind that was followed here; null once it was put away. */
  readonly ended: Ref<Readonly<Record<JobKind, Job | null>>>;
  /** Finished dumps on the service's disk that somebody has to decide about. */
  readonly waiting: Ref<readonly Job[]>;
  refresh(): Promise<void>;
  start(kind: JobKind, wish?: object): Promise<void>;
  publish(job: Job): Promise<void>;
  /** Stops a running job; throws away a dump that waits. */
  cancel(job: Job): Promise<void>;
  /** Puts a job's outcome away. */
  dismiss(kind: JobKind): void;
}

export interface Callbacks {
  /** It was found out what is running, which it may not have been before. */
  readonly onKnown: () => void;
  /** A job is over: what is published, or on the disk, may have changed. */
  readonly onEnd: (job: Job) => void;
  readonly onSignedOut: () => void;
}

export function useJobs(api: AdminApi, callbacks: Callbacks): Following {
  const follower = new Follower(api, callbacks);
  const idle = setInterval(() => {
    follower.lookWhenIdle();
  }, idleMs);
  onScopeDispose(() => {
    clearInterval(idle);
    follower.leave();
  });
  return follower;
}

class Follower implements Following {
  readonly running = shallowRef<Job | null>(null);
  readonly lost = ref('');
  readonly ended = shallowRef<Readonly<Record<JobKind, Job | null>>>({
    'data-dump': null,
    backup: null,
  });
  readonly waiting = shallowRef<readonly Job[]>([]);
  readonly #memory = new Memory();
  readonly #ours = ref(this.#memory.ours());
  readonly isOurs = computed(
    () => this.running.value !== null && this.#ours.value.includes(this.running.value.job_id),
  );
  /** When the last job of each kind ended, as far as its card knows; nothing before the first answer. */
  #heard: Map<JobKind, string> | undefined;
  readonly #tabs = channel();
  /** Ends the following of the job that is running. */
  #following: AbortController | undefined;
  #isGone = false;
  #isLooking = false;
  /** How often it was asked what is running, and which of these questions was answered last. */
  #asked = 0;
  #answered = 0;

  constructor(
    private readonly api: AdminApi,
    private readonly callbacks: Callbacks,
  ) {
    if (this.#tabs === undefined) return;
    this.#tabs.onmessage = ({ data: job }: MessageEvent<Job>) => {
      if (job.job_id === this.running.value?.job_id) this.#see(job);
    };
  }

  async refresh(): Promise<void> {
    this.#asked += 1;
    const nth = this.#asked;
    const { jobs, running } = await this.api.jobs();
    this.callbacks.onKnown();
    // One that was asked before may be answered after, and what it says is over.
    if (nth < this.#answered) return;
    this.#answered = nth;
    this.waiting.value = jobs.filter(({ publishable }) => publishable === true);
    this.#hear(jobs);
    if (running !== null && running.job_id !== this.running.value?.job_id) {
      void this.#follow(running);
    }
    const watched = jobs.find(({ job_id }) => job_id === this.#memory.last());
    const isOver = watched !== undefined && watched.state !== 'running';
    if (running === null && isOver && this.ended.value[watched.kind] === null) {
      this.#show(watched.kind, watched);
    }
  }

  start(kind: JobKind, wish?: object): Promise<void> {
    return this.#begin(kind, () => this.api.generate(kind, wish));
  }

  publish(job: Job): Promise<void> {
    return this.#begin(job.kind, () => this.api.publish(job.job_id));
  }

  async cancel(job: Job): Promise<void> {
    await this.api.cancel(job.job_id);
    if (job.state === 'running') return;
    this.dismiss(job.kind);
    await this.refresh();
  }

  dismiss(kind: JobKind): void {
    this.#memory.forget();
    this.#show(kind, null);
  }

  /** Looks whether somebody else has started a job, where somebody can see it. */
  lookWhenIdle(): void {
    const isWatching = this.running.value !== null || document.visibilityState === 'hidden';
    if (!isWatching && !this.#isLooking) this.#lookAgain();
  }

  /** Nobody looks any more. */
  leave(): void {
    this.#isGone = true;
    this.#following?.abort();
    this.#tabs?.close();
  }

  /** Shows what became of the last job of a kind; null: nothing. */
  #show(kind: JobKind, job: Job | null): void {
    this.ended.value = { ...this.ended.value, [kind]: job };
  }

  async #begin(kind: JobKind, ask: () => Promise<{ job_id: string }>): Promise<void> {
    try {
      const { job_id } = await ask();
      this.#ours.value = this.#memory.started(job_id);
      this.#show(kind, null);
      void this.#follow({ job_id, kind, state: 'running', progress: null });
    } catch (error) {
      if (error instanceof ApiError && error.jobId !== undefined)
        await this.refresh().catch(() => undefined);
      throw error;
    }
  }

  /** Follows a job until it is over: by its stream while that works, else by asking. */
  async #follow(first: Job): Promise<void> {
    // What was asked before it went away may be answered after.
    if (this.#isGone) return;
    this.#following?.abort();
    const { signal } = (this.#following = new AbortController());
    this.#ours.value = this.#memory.ours();
    this.running.value = first;
    this.#memory.watched(first.job_id);
    let canStream = first.elsewhere !== true;
    while (!signal.aborted) {
      const isTold = this.api.isSignedOut;
      let untilNext = pollMs;
      if (canStream) {
        try {
          const watch = () => this.api.watch(first.job_id, this.#share, signal);
          if (!(await inOneTab(watch))) untilNext = idleMs;
        } catch {
          canStream = false;
        }
        if (isStopped(signal)) return;
      }
      if (await this.#ask(first.job_id, isTold, signal)) return;
      await pause(untilNext, signal);
    }
  }

  /** Asks how far a job is; true when it need not be followed any more. `isTold`: that the session is over. */
  async #ask(id: string, isTold: boolean, signal: AbortSignal): Promise<boolean> {
    try {
      const job = await this.api.job(id);
      // Another tab may have told meanwhile how it ended.
      return isStopped(signal) || this.#see(job);
    } catch (error) {
      if (isStopped(signal)) return true;
      if (error instanceof ApiError && error.status === 404) {
        // Nobody knows it any more: another instance ran it, and it is over there.
        this.#settle(null);
        return true;
      }
      this.lost.value = reasonOf(error);
      if (!isTold && isSignedOut(error)) this.callbacks.onSignedOut();
      return false;
    }
  }

  /** Shows what the stream says, here and in other tabs. */
  readonly #share = (job: Job): void => {
    this.#tabs?.postMessage(job);
    this.#see(job);
  };

  /** Shows how far the job is; true when it is over. */
  #see(job: Job): boolean {
    this.lost.value = '';
    this.#ours.value = this.#memory.ours();
    if (job.state === 'running') this.running.value = job;
    else this.#settle(job);
    return job.state !== 'running';
  }

  /** The job that is running is over; null where nobody knows how it ended. */
  #settle(job: Job | null): void {
    this.#following?.abort();
    this.#following = undefined;
    const last = job ?? this.running.value;
    this.running.value = null;
    this.lost.value = '';
    if (job !== null) {
      this.#show(job.kind, job);
      this.#heard?.set(job.kind, job.finished_at ?? '');
    }
    if (last !== null) this.callbacks.onEnd(last);
    this.#lookAgain();
  }

  /** Nobody waits for what comes of it, but that the session is over has to be told, and not every ten seconds. */
  #lookAgain(): void {
    const isTold = this.api.isSignedOut;
    this.#isLooking = true;
    void this.refresh()
      .catch((error: unknown) => {
        if (!isTold && isSignedOut(error)) this.callbacks.onSignedOut();
      })
      .finally(() => (this.#isLooking = false));
  }

  /** Tells of what has begun and ended since somebody looked last: others work here, and a schedule does. */
  #hear(jobs: readonly Job[]): void {
    const before = this.#heard;
    const heard = (this.#heard = new Map(before));
    for (const kind of ['data-dump', 'backup'] as const) {
      // The one that was started last comes first.
      const last = jobs.find((job) => job.kind === kind && job.state !== 'running');
      const end = last?.finished_at ?? '';
      if (last === undefined || end <= (heard.get(kind) ?? '')) continue;
      heard.set(kind, end);
      if (before !== undefined) this.callbacks.onEnd(last);
    }
  }
}

/** Asked as a function, since it changes while somebody waits. */
const isStopped = ({ aborted }: AbortSignal): boolean => aborted;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
