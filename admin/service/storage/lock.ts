/**
 * One job at a time, across all instances that publish into one bucket: an object that is only ever written on
 * condition. Its holder renews it; a holder that has not for two minutes is dead and may be replaced.
 */

import { randomUUID } from 'node:crypto';

import { Problem } from '../envelope.js';
import { lockKey } from './names.js';
import { PreconditionFailed } from './store.js';
import type { Condition, ObjectStore } from './store.js';

const staleMs = 120_000;
const heartbeatMs = 20_000;

/** Who holds the lock; no job when nobody does. */
export interface LockState {
  readonly job_id: string | null;
  readonly kind: string | null;
  readonly token: string | null;
  readonly heartbeat_at: string;
}

/** The kind of a holder that is no job: something short that changes what is published. */
export const change = 'change';

export interface Holder {
  /** The job's id; of a change one that nobody can ask for. */
  readonly jobId: string;
  /** The job's kind, or `change`. */
  readonly kind: string;
  /** Random, for this one time that the lock was taken: a job can run more than once. */
  readonly token: string | null;
}

/** Who wants the lock. */
export type Claim = Omit<Holder, 'token'>;
type Claimant = Holder & { readonly token: string };

/** Who holds the lock and lives, if anybody. */
export async function currentHolder(store: ObjectStore): Promise<Holder | undefined> {
  const found = await store.get(lockKey);
  return found && aliveIn(parse(found.body));
}

export class Lock {
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** Writes come one after the other: each names the ETag of the one before. */
  #last: Promise<void> = Promise.resolve();
  #renewedAt = Date.now();

  private constructor(
    private readonly store: ObjectStore,
    private readonly holder: Claimant,
    private etag: string,
  ) {}

  /** Takes the lock. `isDead` knows of holders that died with an earlier process of this service. */
  static async take(
    store: ObjectStore,
    wish: Claim,
    isDead: (holder: Holder) => boolean,
  ): Promise<Lock> {
    const found = await store.get(lockKey);
    const other = found && aliveIn(parse(found.body));
    if (other !== undefined && !isDead(other)) throw busy(other);
    const holder = { ...wish, token: randomUUID() };
    const condition = found === undefined ? { absent: true as const } : { etag: found.etag };
    const etag = await claim(store, holder, condition);
    if (etag === undefined) throw busy(await currentHolder(store));
    const lock = new Lock(store, holder, etag);
    lock.#timer = setInterval(() => void lock.#beat(), heartbeatMs);
    lock.#timer.unref();
    return lock;
  }

  get token(): string {
    return this.holder.token;
  }

  /** Aborted once somebody else holds the lock, or it could not be renewed for so long that somebody may. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Makes sure, by renewing it, that the lock is still ours. */
  confirm(): Promise<void> {
    const renewed = this.#last.then(() => this.#renew());
    this.#last = renewed.catch(() => undefined);
    return renewed;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
    // A lock that cannot be given back goes stale by itself; one that somebody else has taken has another ETag.
    await write(this.store, undefined, { etag: this.etag }).catch(() => undefined);
  }

  async #renew(): Promise<void> {
    this.lost.throwIfAborted();
    const etag = await claim(this.store, this.holder, { etag: this.etag });
    if (etag === undefined) {
      this.#lost.abort(lostProblem());
      throw lostProblem();
    }
    this.etag = etag;
    this.#renewedAt = Date.now();
  }

  async #beat(): Promise<void> {
    try {
      await this.confirm();
    } catch {
      const isUnsafe = Date.now() - this.#renewedAt > staleMs - 2 * heartbeatMs;
      if (isUnsafe) this.#lost.abort(lostProblem());
    }
  }
}

export function busy(holder: Claim | undefined): Problem {
  const isChange = holder?.kind === change;
  const message = isChange
    ? 'What is published is being changed: try again in a moment'
    : 'Another job is running';
  const job_id = isChange ? null : (holder?.jobId ?? null);
  return new Problem(409, 'JOB_RUNNING', message, { details: { job_id } });
}

function lostProblem(): Problem {
  return new Problem(
    503,
    'LOCK_LOST',
    'Another instance may have started a job: this one has stopped',
  );
}

function aliveIn({ job_id, kind, token, heartbeat_at }: LockState): Holder | undefined {
  // One far in the future is of a clock that was wrong, and would hold until then. Who lives finds its lock taken.
  const isAlive = Math.abs(Date.now() - Date.parse(heartbeat_at)) < staleMs;
  if (job_id === null || !isAlive) return undefined;
  return { jobId: job_id, kind: kind ?? 'data-dump', token };
}

const nobody: LockState = { job_id: null, kind: null, token: null, heartbeat_at: '' };

function parse(body: Buffer): LockState {
  try {
    return (JSON.parse(body.toString()) as LockState | null) ?? nobody;
  } catch {
    return nobody;
  }
}

/** Writes the lock and returns its ETag; undefined when somebody else has it. */
async function claim(
  store: ObjectStore,
  holder: Claimant,
  condition: Condition,
): Promise<string | undefined> {
  try {
    return await write(store, holder, condition);
  } catch (error) {
    if (!(error instanceof PreconditionFailed)) throw error;
    // A write whose answer got lost, and that was sent again, finds itself.
    const found = await store.get(lockKey);
    return found && parse(found.body).token === holder.token ? found.etag : undefined;
  }
}

function write(
  store: ObjectStore,
  holder: Holder | undefined,
  condition: Condition,
): Promise<string> {
  const state: LockState = {
    job_id: holder?.jobId ?? null,
    kind: holder?.kind ?? null,
    token: holder?.token ?? null,
    heartbeat_at: new Date().toISOString(),
  };
  const headers = { contentType: 'application/json', cacheControl: 'no-store' };
  return store.put(lockKey, Buffer.from(JSON.stringify(state)), headers, condition);
}
