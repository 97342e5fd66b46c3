/** Follows the job that is running, whoever started it, and remembers what became of the one this tab followed. */

import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import type { ComputedRef, Ref } from 'vue';

import { ApiError, isSignedOut, reasonOf } from './api.js';
import type { AdminApi, Job, JobKind } from './api.js';
import { Keeping } from './keeping.js';

/** Between two questions whether somebody else has started a job. */
const idleMs = 10_000;
/** Between two questions about a job whose stream does not work. */
const pollMs = 2000;
/** What the tabs of a browser call the stream that they share. */
const stream = 'cultural-archiver-events';

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

export function useJobs(api: AdminApi, { onKnown, onEnd, onSignedOut }: Callbacks): Following {
  const running = shallowRef<Job | null>(null);
  const lost = ref('');
  const ended = shallowRef<Readonly<Record<JobKind, Job | null>>>({
    'data-dump': null,
    backup: null,
  });
  const waiting = shallowRef<readonly Job[]>([]);
  const memory = new Memory();
  const ours = ref(memory.ours());
  const isOurs = computed(
    () => running.value !== null && ours.value.includes(running.value.job_id),
  );
  /** When the last job of each kind ended, as far as its card knows; nothing before the first answer. */
  let heard: Map<JobKind, string> | undefined;
  const tabs = channel();
  let follower: AbortController | undefined;
  let isGone = false;
  let isLooking = false;
  /** How often it was asked what is running, and which of these questions was answered last. */
  let asked = 0;
  let answered = 0;

  /** Nobody waits for what comes of it, but that the session is over has to be told, and not every ten seconds. */
  const lookAgain = (): void => {
    const isTold = api.isSignedOut;
    isLooking = true;
    void refresh()
      .catch((error: unknown) => {
        if (!isTold && isSignedOut(error)) onSignedOut();
      })
      .finally(() => (isLooking = false));
  };

  const settle = (job: Job | null): void => {
    follower?.abort();
    follower = undefined;
    const last = job ?? running.value;
    running.value = null;
    lost.value = '';
    if (job !== null) {
      ended.value = { ...ended.value, [job.kind]: job };
      heard?.set(job.kind, job.finished_at ?? '');
    }
    if (last !== null) onEnd(last);
    lookAgain();
  };

  /** Tells of what has begun and ended since somebody looked last: others work here, and a schedule does. */
  const hear = (jobs: readonly Job[]): void => {
    const before = heard;
    heard = new Map(before);
    for (const kind of ['data-dump', 'backup'] as const) {
      // The one that was started last comes first.
      const last = jobs.find((job) => job.kind === kind && job.state !== 'running');
      const end = last?.finished_at ?? '';
      if (last === undefined || end <= (heard.get(kind) ?? '')) continue;
      heard.set(kind, end);
      if (before !== undefined) onEnd(last);
    }
  };

  const see = (job: Job): boolean => {
    lost.value = '';
    ours.value = memory.ours();
    if (job.state === 'running') running.value = job;
    else settle(job);
    return job.state !== 'running';
  };

  /** Shows what the stream says, here and in other tabs. */
  const share = (job: Job): void => {
    tabs?.postMessage(job);
    see(job);
  };
  if (tabs !== undefined) {
    tabs.onmessage = ({ data: job }: MessageEvent<Job>) => {
      if (job.job_id === running.value?.job_id) see(job);
    };
  }

  const follow = async (first: Job): Promise<void> => {
    // What was asked before it went away may be answered after.
    if (isGone) return;
    follower?.abort();
    const { signal } = (follower = new AbortController());
    ours.value = memory.ours();
    running.value = first;
    memory.watched(first.job_id);
    let canStream = first.elsewhere !== true;
    while (!signal.aborted) {
      const isTold = api.isSignedOut;
      let untilNext = pollMs;
      if (canStream) {
        try {
          const isHere = await inOneTab(() => api.watch(first.job_id, share, signal));
          if (!isHere) untilNext = idleMs;
        } catch {
          canStream = false;
        }
        if (isStopped(signal)) return;
      }
      try {
        const job = await api.job(first.job_id);
        // Another tab may have told meanwhile how it ended.
        if (isStopped(signal) || see(job)) return;
      } catch (error) {
        if (isStopped(signal)) return;
        if (error instanceof ApiError && error.status === 404) {
          // Nobody knows it any more: another instance ran it, and it is over there.
          settle(null);
          return;
        }
        lost.value = reasonOf(error);
        if (!isTold && isSignedOut(error)) onSignedOut();
      }
      await pause(untilNext, signal);
    }
  };

  async function refresh(): Promise<void> {
    asked += 1;
    const nth = asked;
    const { jobs, running: found } = await api.jobs();
    onKnown();
    // One that was asked before may be answered after, and what it says is over.
    if (nth < answered) return;
    answered = nth;
    waiting.value = jobs.filter(({ publishable }) => publishable === true);
    hear(jobs);
    if (found !== null && found.job_id !== running.value?.job_id) void follow(found);
    const watched = jobs.find(({ job_id }) => job_id === memory.last());
    const isOver = watched !== undefined && watched.state !== 'running';
    if (found === null && isOver && ended.value[watched.kind] === null) {
      ended.value = { ...ended.value, [watched.kind]: watched };
    }
  }

  const begin = async (kind: JobKind, ask: () => Promise<{ job_id: string }>): Promise<void> => {
    try {
      const { job_id } = await ask();
      ours.value = memory.started(job_id);
      ended.value = { ...ended.value, [kind]: null };
      void follow({ job_id, kind, state: 'running', progress: null });
    } catch (error) {
      if (error instanceof ApiError && error.jobId !== undefined)
        await refresh().catch(() => undefined);
      throw error;
    }
  };

  const idle = setInterval(() => {
    const isWatching = running.value !== null || document.visibilityState === 'hidden';
    if (!isWatching && !isLooking) lookAgain();
  }, idleMs);
  onScopeDispose(() => {
    isGone = true;
    clearInterval(idle);
    follower?.abort();
    tabs?.close();
  });

  return {
    running,
    isOurs,
    lost,
    ended,
    waiting,
    refresh,
    start: (kind, wish) => begin(kind, () => api.generate(kind, wish)),
    publish: (job) => begin(job.kind, () => api.publish(job.job_id)),
    cancel: async (job) => {
      await api.cancel(job.job_id);
      if (job.state === 'running') return;
      ended.value = { ...ended.value, [job.kind]: null };
      memory.forget();
      await refresh();
    },
    dismiss: (kind) => {
      memory.forget();
      ended.value = { ...ended.value, [kind]: null };
    },
  };
}

/** What joins the tabs of a browser; nothing where it keeps nothing of a site, which Firefox takes this for. */
function channel(): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(stream);
  } catch {
    return undefined;
  }
}

/** What this tab knows after a reload, and other tabs of what was started here: ids of jobs, which are no secret. */
class Memory {
  readonly #ours = 'cultural-archiver-jobs';
  readonly #watched = 'cultural-archiver-job';
  readonly #browser = new Keeping('localStorage');
  readonly #tab = new Keeping('sessionStorage');

  ours(): readonly string[] {
    return (this.#browser.get(this.#ours) ?? '').split(' ').filter((id) => id !== '');
  }

  started(id: string): readonly string[] {
    const ids = [...this.ours(), id].slice(-20);
    this.#browser.set(this.#ours, ids.join(' '));
    return ids;
  }

  watched(id: string): void {
    this.#tab.set(this.#watched, id);
  }

  last(): string | null {
    return this.#tab.get(this.#watched);
  }

  forget(): void {
    this.#tab.remove(this.#watched);
  }
}

/**
 * Does work that holds a connection, and gives true; false where another tab is doing it. Without HTTP/2, as before the
 * service itself, all tabs have six connections together; with as many streams no page would load any more.
 */
async function inOneTab(work: () => Promise<void>): Promise<boolean> {
  // Browsers have locks on secure pages only.
  if ('locks' in navigator) {
    return navigator.locks.request(stream, { ifAvailable: true }, (lock) =>
      lock === null ? false : work().then(() => true),
    );
  }
  await work();
  return true;
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
