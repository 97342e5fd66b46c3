/** The service's API as the panel uses it. */

import { EventSourceParserStream } from 'eventsource-parser/stream';

/** The service waits up to a minute and a half for a storage that is silent before it says so. */
const answerMs = 120_000;
/** A stream begins with the job as it is. */
const firstEventMs = 5000;
/** The service gives a sign of life four times as often. */
const silenceMs = 60_000;

export type JobKind = 'data-dump' | 'backup';
export type JobState = 'running' | 'review' | 'succeeded' | 'failed' | 'cancelled' | 'interrupted';

/** How far a job is; `total` and `total_bytes` are null where nobody knows. */
export interface JobProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number | null;
  readonly bytes: number;
  readonly total_bytes: number | null;
}

export interface Job {
  readonly job_id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  /** When it was started last. Missing where the lock alone tells of a job, as `finished_at`, `result` and `error` are. */
  readonly started_at?: string;
  readonly finished_at?: string | null;
  readonly progress: JobProgress | null;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string } | null;
  /** Whether a finished dump lies on the service's disk, to be published. */
  readonly publishable?: boolean;
  /** Whether another process runs it: another instance of the service, or `publish-dump`. */
  readonly elsewhere?: boolean;
}

export interface Counts {
  readonly total_artworks: number;
  readonly total_creators: number;
  readonly total_tags: number;
  readonly total_photos: number;
}

/** What is known of a finished dump before it is published. */
export interface FinishedDump {
  readonly filename: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly generated_at: string;
  readonly complete: boolean;
  readonly metadata: Counts;
  readonly warnings: readonly string[];
}

/** A dump as its job tells it. */
export interface MadeDump {
  /** Said to admins alone: they name what is not public. */
  readonly operator_warnings: readonly string[];
}

export interface ReviewedDump extends FinishedDump, MadeDump {
  /** What was taken out of texts, by kind. */
  readonly redactions: Readonly<Record<string, number>>;
  readonly first_records: readonly unknown[];
}

export interface PublishedDump extends FinishedDump {
  readonly id: string;
  readonly download_url: string;
}

/** A dump that a later one of its day has replaced: it can be downloaded until `goes_at`. */
export interface ReplacedDump extends PublishedDump {
  readonly goes_at: string;
}

export interface DumpPage {
  readonly dumps: readonly PublishedDump[];
  readonly total: number;
  readonly page: number;
  readonly limit: number;
  readonly has_more: boolean;
  /** Missing where the service is older than this panel. */
  readonly replaced?: readonly ReplacedDump[];
}

export interface Backup {
  readonly filename: string;
  readonly created_at: string;
  readonly size: number;
  /** Null, as `complete` and `warnings`, for an archive that the service has not made itself. */
  readonly sha256: string | null;
  readonly complete: boolean | null;
  readonly warnings: readonly string[] | null;
}

export interface Backups {
  readonly backups: readonly Backup[];
  readonly last_good_at: string | null;
}

export interface Jobs {
  readonly jobs: readonly Job[];
  readonly running: Job | null;
}

/** Headers that say who asks, such as `{ authorization: 'Bearer …' }`; asked for at every request. */
export type Authorize = () => Readonly<Record<string, string>> | Promise<Record<string, string>>;

/** An answer that is no success, or none at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    /** By which the service's log can be searched. */
    readonly correlationId: string | undefined,
    /** The job that is in the way. */
    readonly jobId: string | undefined,
  ) {
    super(message);
  }
}

/** Whether a request failed because the service does not know the caller. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** Why a request failed, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof ApiError ? error.message : 'Something went wrong on this page';
}

interface Envelope {
  readonly data?: unknown;
  readonly error?: string;
  readonly message?: string;
  readonly details?: { readonly correlation_id?: string; readonly job_id?: string | null };
  /** The service's time. */
  readonly timestamp?: string;
}

export class AdminApi {
  /** How far the service's clock is ahead of this machine's, in milliseconds, as of its last answer. */
  #ahead = 0;
  #isSignedOut = false;

  constructor(
    private readonly base: string,
    private readonly authorize: Authorize,
    /** The service knows a caller again whom it did not know: what was asked meanwhile has got no answer. */
    private readonly onSignedIn: () => void = () => undefined,
  ) {}

  /** Whether the service has said that it does not know the caller, and has answered nothing else since. */
  get isSignedOut(): boolean {
    return this.#isSignedOut;
  }

  /** The time by the service's clock, in milliseconds. */
  now = (): number => Date.now() + this.#ahead;
  jobs = (): Promise<Jobs> => this.#ask('GET', 'jobs');
  job = (id: string): Promise<Job> => this.#ask('GET', `jobs/${id}`);
  cancel = (id: string): Promise<Job> => this.#ask('DELETE', `jobs/${id}`);
  publish = (id: string): Promise<{ job_id: string }> => this.#ask('POST', `jobs/${id}/publish`);
  dumps = (page: number, limit: number): Promise<DumpPage> =>
    this.#ask('GET', `data-dumps?page=${page}&limit=${limit}`);
  takeBack = (id: string): Promise<unknown> => this.#ask('DELETE', `data-dumps/${id}`);
  backups = (): Promise<Backups> => this.#ask('GET', 'backups');

  generate(kind: JobKind, wish: object = {}): Promise<{ job_id: string }> {
    return this.#ask('POST', `${kind}/generate`, wish);
  }

  /**
   * Calls back with the job at each change. Resolves when the stream ends, which is not always the job's end; rejects
   * when it is silent, as it is behind a proxy that keeps what it should pass on.
   */
  async watch(id: string, look: (job: Job) => void, signal: AbortSignal): Promise<void> {
    const silence = new AbortController();
    let timer = setTimeout(() => {
      silence.abort();
    }, firstEventMs);
    const onSign = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silence.abort();
      }, silenceMs);
    };
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const response = await this.#fetch('GET', `jobs/${id}/events`, either);
      const events = response.body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onComment: onSign }));
      const reader = events?.getReader();
      for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
        onSign();
        if (next.value.event === 'job') look(JSON.parse(next.value.data) as Job);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const signal = AbortSignal.timeout(answerMs);
    const response = await this.#fetch(method, path, signal, body);
    const { data, timestamp = '' } = await envelopeOf(response).catch((error: unknown) => {
      throw unanswered(error, signal);
    });
    if (data === undefined) throw noAnswer('Something else than the service has answered');
    const time = Date.parse(timestamp);
    if (!Number.isNaN(time)) this.#ahead = time - Date.now();
    return data as T;
  }

  async #fetch(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: object,
  ): Promise<Response> {
    const who = await this.#credentials();
    let response: Response;
    try {
      response = await fetch(`${this.base}/api/admin/${path}`, {
        method,
        headers: { ...who, 'content-type': 'application/json' },
        body: method === 'POST' ? JSON.stringify(body ?? {}) : null,
        cache: 'no-store',
        signal,
      });
    } catch (error) {
      throw unanswered(error, signal);
    }
    const wasSignedOut = this.#isSignedOut;
    // Of a caller an answer to too many requests, or of a service in trouble, says nothing.
    if (response.status < 500 && response.status !== 429) {
      this.#isSignedOut = response.status === 401;
    }
    if (wasSignedOut && !this.#isSignedOut) this.onSignedIn();
    if (response.ok) return response;
    // The status says enough where the rest of the answer does not come.
    const told = await envelopeOf(response).catch((): Envelope => ({}));
    throw new ApiError(
      told.message ?? `The service answered with status ${response.status}`,
      response.status,
      told.error ?? 'UNKNOWN',
      told.details?.correlation_id,
      told.details?.job_id ?? undefined,
    );
  }

  /** What is thrown there is of whoever mounted the panel, and in no words for people. */
  async #credentials(): Promise<Readonly<Record<string, string>>> {
    try {
      return await this.authorize();
    } catch {
      throw noAnswer(
        'This page could not tell the service who you are: reload it, or sign in again',
      );
    }
  }
}

/** What was answered; nothing where that is no envelope, as of a proxy's page. Rejects when it breaks off. */
async function envelopeOf(response: Response): Promise<Envelope> {
  const told: unknown = await response.json().catch((error: unknown) => {
    if (error instanceof SyntaxError) return null;
    throw error;
  });
  return typeof told === 'object' && told !== null ? told : {};
}

/** Why there is no answer, or not the whole of it. What was stopped on purpose is told as it is. */
function unanswered(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted) return noAnswer('The service could not be reached');
  // Not by the error: of a body that is stopped Chromium tells another one than the reason.
  return isTimeout(signal.reason) ? noAnswer('The service did not answer in time') : error;
}

function noAnswer(message: string): ApiError {
  return new ApiError(message, 0, 'UNREACHABLE', undefined, undefined);
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
