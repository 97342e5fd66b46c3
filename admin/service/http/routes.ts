/** What can be asked of the API, once somebody has been let in. */

import type { Context } from 'hono';
import * as v from 'valibot';

import type { AdminName } from '../audit.js';
import { Problem, success } from '../envelope.js';
import type { BackupJobs } from '../jobs/backup.js';
import type { DumpJobs } from '../jobs/dump.js';
import { isOurs } from '../jobs/instance.js';
import { isOver, nothingToPublish, told } from '../jobs/job.js';
import type { Job } from '../jobs/job.js';
import type { JobRunner } from '../jobs/runner.js';
import type { Catalogue } from '../storage/catalogue.js';
import { check, parseBody } from './body.js';
import { events } from './events.js';
import { begin } from './waiting.js';

/** What the routes work with. */
export interface Workings {
  readonly runner: JobRunner;
  readonly dumps: DumpJobs;
  readonly backups: BackupJobs;
  readonly catalogue: Catalogue;
}

export interface Env {
  Variables: {
    admin: AdminName;
    body: Uint8Array;
    /** The id of the job that the request has started. */
    started?: string;
  };
}

export type Handler = (context: Context<Env>) => Promise<Response> | Response;

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

export function routesOf(workings: Workings): readonly Route[] {
  return [...dumpRoutes(workings), ...backupRoutes(workings), ...jobRoutes(workings)];
}

function dumpRoutes({ runner, dumps, catalogue }: Workings): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/admin/data-dump/generate',
      action: 'data_dump.generate',
      handler: (context) => {
        const wanted = parseBody(wish, context.get('body'));
        return begin(context, runner, 'data-dump', (work) => dumps.make(wanted, work));
      },
    },
    {
      method: 'GET',
      path: '/api/admin/data-dumps',
      action: null,
      handler: async (context) => {
        const { page, limit } = check(paging, context.req.query());
        const { dumps, total, replaced } = await catalogue.page(page, limit);
        const has_more = page * limit < total;
        const retrieved_at = new Date().toISOString();
        const data = { dumps, total, page, limit, has_more, retrieved_at, replaced };
        return context.json({ success: true, data });
      },
    },
    {
      method: 'DELETE',
      path: '/api/admin/data-dumps/:id',
      action: 'data_dump.take_back',
      handler: async (context) => {
        const id = idOf(context);
        await runner.alone(() => catalogue.takeBack(id));
        return context.json(success({ id }));
      },
    },
  ];
}

function backupRoutes({ runner, backups }: Workings): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/admin/backup/generate',
      action: 'backup.generate',
      handler: (context) => {
        parseBody(nothing, context.get('body'));
        return begin(context, runner, 'backup', (work) => backups.make(work));
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

function jobRoutes({ runner, dumps }: Workings): readonly Route[] {
  return [
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
      handler: async (context) => context.json(success(await runner.find(idOf(context)))),
    },
    {
      method: 'DELETE',
      path: '/api/admin/jobs/:id',
      action: 'job.cancel',
      handler: async (context) => {
        const job = await jobOf(context, runner);
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
        const job = await jobOf(context, runner);
        if (isOver(job) || isOurs(job.instance)) return events(context, runner, job);
        const message = 'Another process runs this job: ask for its state';
        throw new Problem(409, 'JOB_ELSEWHERE', message);
      },
    },
    {
      method: 'POST',
      path: '/api/admin/jobs/:id/publish',
      action: 'data_dump.publish',
      handler: async (context) => {
        parseBody(nothing, context.get('body'));
        const job = await jobOf(context, runner);
        if (job.kept === null || !isOver(job)) throw nothingToPublish();
        return begin(context, runner, 'data-dump', (work) => dumps.publish(work), job);
      },
    },
  ];
}

function idOf(context: Context<Env>): string {
  return context.req.param('id') ?? '';
}

async function jobOf(context: Context<Env>, runner: JobRunner): Promise<Job> {
  const job = await runner.get(idOf(context));
  if (job === undefined) throw new Problem(404, 'NOT_FOUND', 'There is no such job');
  return job;
}
