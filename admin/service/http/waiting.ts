/** Starting a job: the answer comes at once, or when the job is over and its caller waits. */

import type { Context } from 'hono';

import { Problem, success } from '../envelope.js';
import type { MadeDump } from '../jobs/dump.js';
import { isOver, told } from '../jobs/job.js';
import type { Job, JobKind } from '../jobs/job.js';
import type { JobRunner, Run } from '../jobs/runner.js';
import type { Env } from './routes.js';

/** The longest that a caller may be kept waiting, in seconds. */
const longestWait = 300;
/** Codes of jobs that ended because of what somebody did or has to decide, and of those that another try may mend. */
const conflicts = [
  'CANCELLED',
  'DUMP_SHRUNK',
  'DUMP_EXISTS',
  'DUMP_OUTDATED',
  'NOTHING_TO_PUBLISH',
  'PREVIOUS_DAMAGED',
];
const passing = [
  'STORAGE_UNAVAILABLE',
  'STORAGE_FULL',
  'STORAGE_CHANGED',
  'STATE_UNWRITABLE',
  'UPLOAD_DAMAGED',
  'LOCK_LOST',
  'INTERRUPTED',
];

/** Starts a job, or the last part of one again. */
export async function begin(
  context: Context<Env>,
  runner: JobRunner,
  kind: JobKind,
  run: Run,
  again?: Job,
): Promise<Response> {
  const seconds = secondsToWait(context.req.header('prefer'));
  const job = await runner.start(kind, run, again);
  context.set('started', job.id);
  if (seconds > 0) {
    await runner.wait(job, seconds * 1000);
    context.header('preference-applied', `wait=${seconds}`);
    if (isOver(job)) return ended(context, job);
  }
  const status_url = `/api/admin/jobs/${job.id}`;
  return context.json(success({ job_id: job.id, status_url }), 202, { location: status_url });
}

/** `Prefer: wait=N`, in seconds; 0 when nobody waits. */
function secondsToWait(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait *= *"?(\d{1,6})(?:$|[",;\s])/i.exec(prefer ?? '')?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), longestWait);
}

/** The answer of a caller who waited: the platform's own for a dump that was published. */
function ended(context: Context, job: Job): Response {
  const { state, kind, error, result } = job;
  if (error !== null) {
    const code = kind === 'backup' ? 'BACKUP_GENERATION_FAILED' : 'DATA_DUMP_GENERATION_FAILED';
    const status = conflicts.includes(error.code) ? 409 : passing.includes(error.code) ? 503 : 500;
    throw new Problem(status, code, error.message, {
      details: { code: error.code, job_id: job.id, state },
    });
  }
  if (kind === 'backup' || state === 'review') return context.json(success(told(job)));
  const { id, filename, size, download_url, generated_at, metadata, ...made } = result as MadeDump;
  const warnings = [...made.warnings, ...made.operator_warnings];
  const data = { dump_id: id, filename, size, download_url, generated_at, metadata };
  return context.json({ success: true, data, ...(warnings.length > 0 ? { warnings } : {}) });
}
