/** The API under /api/admin/: who asks, what they may, and what they get. */

import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import type { Context } from 'hono';
import * as v from 'valibot';

import type { AdminName, Audit } from '../audit.js';
import { changes } from '../auth/forwarded.js';
import type { Doorkeeper } from '../auth/caller.js';
import { forbidden, Problem, problemOf, success } from '../envelope.js';
import type { BackupJobs } from '../jobs/backup.js';
import type { DumpJobs, MadeDump } from '../jobs/dump.js';
import { isOurs } from '../jobs/instance.js';
import { isOver, nothingToPublish, told } from '../jobs/job.js';
import type { Job, JobKind } from '../jobs/job.js';
import type { JobRunner, Run } from '../jobs/runner.js';
import type { RateLimits } from '../options.js';
import type { Catalogue } from '../storage/catalogue.js';
import { check, parseBody, readBody } from './body.js';
import { events } from './events.js';
import { RateLimit } from './limits.js';

export interface Parts {
  readonly doorkeeper: Doorkeeper;
  readonly audit: Audit;
  readonly runner: JobRunner;
  readonly dumps: DumpJobs;
  readonly backups: BackupJobs;
  readonly catalogue: Catalogue;
  readonly origins: readonly string[];
  readonly rateLimits: RateLimits;
}

interface Env {
  Variables: { admin: AdminName; body: Uint8Array };
}

type Handler = (context: Context<Env>) => Promise<Response> | Response;
type Middleware = (context: Context<Env>, next: () => Promise<void>) => Promise<void>;

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** How the audit calls it. What only looks is not written down: that would bury what matters. */
  readonly action: string | null;
  readonly handler: Handler;
}

const wish = v.strictObject({
  allow_shrink: v.optional(v.boolean()),
  publish: v.optional(v.boolean()),
});
const nothing = v.strictObject({});
const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,9}$/, 'It must be a whole number'),
    v.transform(Number),
    v.minValue(least),
    v.maxValue(most),
  );
const paging = v.object({
  page: v.optional(wholeNumber(1, 1_000_000), '1'),
  limit: v.optional(wholeNumber(1, 100), '20'),
});

/** The longest that a caller may be kept waiting, in seconds. */
const longestWait = 300;

export function api(parts: Parts): Hono<Env> {
  const app = new Hono<Env>();
  const routes = routesOf(parts);
  const actionOf = new Map(routes.map(({ method, path, action }) => [`${method} ${path}`, action]));

  app.use('/api/admin/*', letIn(parts));
  for (const { method, path, action, handler } of routes) {
    app.on(method, path, action === null ? handler : audited(parts.audit, action, handler));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const allowed = ['GET', 'POST', 'DELETE'].filter((method) => actionOf.has(`${method} ${path}`));
    app.all(path, () => {
      throw new Problem(405, 'METHOD_NOT_ALLOWED', 'This cannot be done here', {
        headers: { allow: allowed.join(', ') },
      });
    });
  }
  app.all('/api/admin/*', () => {
    throw new Problem(404, 'NOT_FOUND', 'There is no such route');
  });
  return app;
}

function routesOf({ runner, dumps, backups, catalogue }: Parts): readonly Route[] {
  const kept = async (context: Context<Env>): Promise<Job> => {
    const job = await runner.get(context.req.param('id') ?? '');
    if (job === undefined) throw new Problem(404, 'NOT_FOUND', 'There is no such job');
    return job;
  };
  const begin = async (context: Context<Env>, kind: JobKind, run: Run, again?: Job) => {
    const seconds = secondsToWait(context.req.header('prefer'));
    const job = await runner.start(kind, run, again);
    if (seconds > 0) {
      await runner.wait(job, seconds * 1000);
      context.header('preference-applied', `wait=${seconds}`);
      if (isOver(job)) return ended(context, job);
    }
    const status_url = `/api/admin/jobs/${job.id}`;
    return context.json(success({ job_id: job.id, status_url }), 202, { location: status_url });
  };
  return [
    {
      method: 'POST',
      path: '/api/admin/data-dump/generate',
      action: 'data_dump.generate',
      handler: (context) => {
        const wanted = parseBody(wish, context.get('body'));
        return begin(context, 'data-dump', (work) => dumps.make(wanted, work));
      },
    },
    {
      method: 'POST',
      path: '/api/admin/backup/generate',
      action: 'backup.generate',
      handler: (context) => {
        parseBody(nothing, context.get('body'));
        return begin(context, 'backup', (work) => backups.make(work));
      },
    },
    {
      method: 'GET',
      path: '/api/admin/jobs',
      action: null,
      handler: async (context) => context.json(success(await runner.recent())),
    },
    {
      method: 'GET',
      path: '/api/admin/jobs/:id',
      action: null,
      handler: async (context) =>
        context.json(success(await runner.find(context.req.param('id') ?? ''))),
    },
    {
      method: 'DELETE',
      path: '/api/admin/jobs/:id',
      action: 'job.cancel',
      handler: async (context) => {
        const job = await kept(context);
        if (runner.cancel(job.id)) return context.json(success(told(job)), 202);
        if (job.kept === null || !isOver(job)) {
          throw new Problem(409, 'JOB_FINISHED', 'The job is over, or runs on another instance');
        }
        if (job.kept.exposed) await runner.alone(() => dumps.discard(job));
        // Before its file goes: who still wants to publish it, and waits for the lock, finds it discarded.
        runner.records.save(Object.assign(job, { kept: null, state: 'cancelled' }));
        await dumps.discard(job);
        return context.json(success(told(job)));
      },
    },
    {
      method: 'GET',
      path: '/api/admin/jobs/:id/events',
      action: null,
      handler: async (context) => {
        const job = await kept(context);
        if (!isOver(job) && !isOurs(job.instance)) {
          throw new Problem(
            409,
            'JOB_ELSEWHERE',
            'Another process runs this job: ask for its state',
          );
        }
        return events(context, runner, job);
      },
    },
    {
      method: 'POST',
      path: '/api/admin/jobs/:id/publish',
      action: 'data_dump.publish',
      handler: async (context) => {
        parseBody(nothing, context.get('body'));
        const job = await kept(context);
        if (job.kept === null || !isOver(job)) throw nothingToPublish();
        return begin(context, 'data-dump', (work) => dumps.publish(work), job);
      },
    },
    {
      method: 'GET',
      path: '/api/admin/data-dumps',
      action: null,
      handler: async (context) => {
        const { page, limit } = check(paging, context.req.query());
        const { dumps, total } = await catalogue.page(page, limit);
        const has_more = page * limit < total;
        const retrieved_at = new Date().toISOString();
        const data = { dumps, total, page, limit, has_more, retrieved_at };
        return context.json({ success: true, data });
      },
    },
    {
      method: 'DELETE',
      path: '/api/admin/data-dumps/:id',
      action: 'data_dump.take_back',
      handler: async (context) => {
        const id = context.req.param('id') ?? '';
        await runner.alone(() => catalogue.takeBack(id));
        return context.json(success({ id }));
      },
    },
    {
      method: 'GET',
      path: '/api/admin/backups',
      action: null,
      handler: async (context) => context.json(success(await backups.list())),
    },
  ];
}

/** Lets admins through, within their limits, and keeps what they sent. */
function letIn({ doorkeeper, audit, origins, rateLimits }: Parts): Middleware {
  const requests = new RateLimit(rateLimits.requests ?? 1200);
  const changing = new RateLimit(rateLimits.changes ?? 60);
  const refusals = new RateLimit(rateLimits.refusals ?? 600);
  return async (context, next) => {
    const { method, headers } = context.req.raw;
    const { pathname, search } = new URL(context.req.url);
    const address = addressOf(context);
    try {
      if (!mayCome(headers)) throw new Problem(401, 'UNAUTHORIZED', 'Authentication is required');
      const body = await readBody(context.req.raw);
      const asked = { method, target: pathname + search, headers, body };
      // A token that may be guessed costs a look-up, so it counts as refused until it is not.
      let isGuess = false as boolean;
      const id = await doorkeeper.admin(asked, () => {
        refusals.spend(address);
        isGuess = true;
      });
      if (isGuess) refusals.refund(address);
      const admin = audit.nameOf(id);
      if (changes(method)) checkOrigin(headers, origins);
      requests.spend(admin);
      if (changes(method)) changing.spend(admin);
      context.set('admin', admin);
      context.set('body', body);
    } catch (error) {
      const problem = problemOf(error);
      audit.record(null, 'refused', problem.code);
      if (problem.status === 401) refusals.spend(address);
      throw error;
    }
    await next();
    context.header('cache-control', 'no-store');
  };
}

/** Whether a request has any credential at all: without one nothing of it is read. */
function mayCome(headers: Headers): boolean {
  return ['authorization', 'x-user-token', 'x-archiver-signature'].some((name) =>
    headers.has(name),
  );
}

/** A browser names the page that a change comes from; it has to be one of ours. */
function checkOrigin(headers: Headers, origins: readonly string[]): void {
  const origin = headers.get('origin');
  if (origin !== null && !origins.includes(origin)) throw forbidden('The origin is not allowed');
}

function audited(audit: Audit, action: string, handler: Handler): Handler {
  return async (context) => {
    const id = context.req.param('id');
    // An id is ours when it has the shape of one: what else a caller sends is not written down.
    const subject = id !== undefined && /^[\dTZa-f-]{16,36}$/.test(id) ? id : undefined;
    try {
      const response = await handler(context);
      const outcome = response.status === 202 ? 'accepted' : 'done';
      audit.record(context.get('admin'), action, outcome, subject ?? startedJob(response));
      return response;
    } catch (error) {
      audit.record(context.get('admin'), action, problemOf(error).code, subject);
      throw error;
    }
  };
}

function startedJob(response: Response): string | undefined {
  return response.headers.get('location')?.split('/').pop();
}

function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? '';
  } catch {
    // Mounted in a server that does not tell.
    return '';
  }
}

/** `Prefer: wait=N`, in seconds; 0 when nobody waits. */
function secondsToWait(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/.exec(prefer ?? '')?.[1];
  return seconds === undefined ? 0 : Math.min(Number(seconds), longestWait);
}

/** The answer of a caller who waited: the platform's own for a dump that was published. */
function ended(context: Context, job: Job): Response {
  const { state, kind, error, result } = job;
  if (error !== null) {
    const isStorage = /STORAGE|UPLOAD|LOCK|INTERRUPTED/.test(error.code);
    const code = kind === 'backup' ? 'BACKUP_GENERATION_FAILED' : 'DATA_DUMP_GENERATION_FAILED';
    const status = error.code === 'DUMP_SHRUNK' ? 409 : isStorage ? 503 : 500;
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
