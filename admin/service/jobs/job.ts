/** What a job is, and how it is told over HTTP. */

import { randomUUID } from 'node:crypto';

import type { Progress } from '../engine.js';
import { Problem } from '../envelope.js';
import type { KeptDump } from '../storage/published.js';
import { isOurs, self } from './instance.js';
import type { Instance } from './instance.js';

export const kinds = ['data-dump', 'backup'] as const;
export type JobKind = (typeof kinds)[number];

/** `review`: made, and waiting for somebody to look at it. `interrupted`: its process ended before it did. */
export const states = [
  'running',
  'review',
  'succeeded',
  'failed',
  'cancelled',
  'interrupted',
] as const;
export type JobState = (typeof states)[number];

export interface JobProgress {
  readonly phase: Progress['phase'] | 'previous' | 'upload' | 'check' | 'publish';
  readonly done: number;
  readonly total: number | null;
  readonly bytes: number;
  readonly total_bytes: number | null;
}

export interface JobError {
  readonly code: string;
  readonly message: string;
}

/** A job as it is kept; nothing in it says who started it. */
export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly created_at: string;
  /** When it was started last: a dump that waited is published later than it was made. */
  started_at: string;
  /** The process that runs it, or was the last one to. */
  instance: Instance;
  /** The token of the lock that it runs under, or ran under last. */
  lock: string | null;
  state: JobState;
  finished_at: string | null;
  progress: JobProgress | null;
  result: unknown;
  error: JobError | null;
  /** A dump on the service's disk that can be published, or sent again. */
  kept: KeptDump | null;
}

export function newJob(kind: JobKind): Job {
  const now = new Date().toISOString();
  return {
    id: randomUUID(),
    kind,
    created_at: now,
    started_at: now,
    instance: self,
    lock: null,
    state: 'running',
    finished_at: null,
    progress: null,
    result: null,
    error: null,
    kept: null,
  };
}

/** Whether a name is that of a job: beside what is a job's may lie what is somebody else's. */
export function isJobId(name: string): boolean {
  return /^[0-9a-f-]{36}$/.test(name);
}

export function isOver({ state }: Job): boolean {
  return state !== 'running';
}

/** A job as its callers see it. */
export function told(job: Job): Readonly<Record<string, unknown>> {
  const { id, kind, state, created_at, started_at, finished_at, progress, result, error, kept } =
    job;
  return {
    job_id: id,
    kind,
    state,
    created_at,
    started_at,
    finished_at,
    progress,
    result,
    error,
    publishable: kept !== null && isOver(job),
    // How far it is stands in the memory of its process, which alone can stop it.
    ...(isOver(job) || isOurs(job.instance) ? {} : { elsewhere: true }),
  };
}

/** A job of another instance, of which the lock alone is known, as callers see it. */
export function elsewhere(jobId: string, kind: string): Readonly<Record<string, unknown>> {
  return { job_id: jobId, kind, state: 'running', progress: null, elsewhere: true };
}

export function nothingToPublish(): Problem {
  return new Problem(409, 'NOTHING_TO_PUBLISH', 'The job has no dump that waits');
}

/** Progress of the addon in the words of the API. `item` stays here: a bar does not need it. */
export function progressOf({ phase, done, total, bytes, totalBytes }: Progress): JobProgress {
  return { phase, done, total: total ?? null, bytes, total_bytes: totalBytes ?? null };
}
