/** The API under /api/admin/: who asks, what they may, and what they get. */

import type { IncomingMessage } from 'node:http';

import type { HttpBindings } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Hono } from 'hono';
import type { Context } from 'hono';

import type { Audit } from '../audit.js';
import type { Doorkeeper } from '../auth/caller.js';
import { forbidden, Problem, problemOf } from '../envelope.js';
import type { RateLimits } from '../options.js';
import { changes, headerNames } from '../signature.js';
import { nameOf } from '../storage/names.js';
import { readBody } from './body.js';
import { RateLimit } from './limits.js';
import { routesOf } from './routes.js';
import type { Env, Handler, Workings } from './routes.js';
import { secure } from './security.js';

export interface Parts extends Workings {
  readonly doorkeeper: Doorkeeper;
  readonly audit: Audit;
  readonly origins: readonly string[];
  readonly rateLimits: RateLimits;
}

type Middleware = (context: Context<Env>, next: () => Promise<void>) => Promise<void>;

export function api(parts: Parts): Hono<Env> {
  const app = new Hono<Env>();
  const routes = routesOf(parts);
  const actionOf = new Map(routes.map(({ method, path, action }) => [`${method} ${path}`, action]));

  app.use('/api/admin/*', secure, letIn(parts));
  for (const { method, path, action, handler } of routes) {
    app.on(method, path, action === null ? handler : audited(parts, action, handler));
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

/** Lets admins through, within their limits, and keeps what they sent. */
function letIn({ doorkeeper, audit, origins, rateLimits }: Parts): Middleware {
  const requests = new RateLimit(rateLimits.requests ?? 1200);
  const changing = new RateLimit(rateLimits.changes ?? 60);
  const refusals = new RateLimit(rateLimits.refusals ?? 600);
  /** Refusals for any other reason than that nobody knows the caller: apart, so that they hold up no token. */
  const others = new RateLimit(rateLimits.refusals ?? 600);
  const note = (code: string): void => {
    audit.record(null, 'refused', code);
  };
  // A line for each would let anybody fill the disk that the audit is kept on.
  const noteLimit = (): void => {
    note('RATE_LIMITED');
  };
  return async (context, next) => {
    const { method, headers } = context.req.raw;
    const { pathname, search } = new URL(context.req.url);
    const address = addressOf(context);
    // A token that may be guessed costs a look-up, so it counts as refused until it is not.
    let isGuess = false as boolean;
    try {
      if (!mayCome(headers)) throw new Problem(401, 'UNAUTHORIZED', 'Authentication is required');
      const body = await readBody(context.req.raw, incomingOf(context));
      const asked = { method, target: pathname + search, headers, body };
      const id = await doorkeeper.admin(asked, () => {
        refusals.spend(address, noteLimit);
        isGuess = true;
      });
      if (isGuess) refusals.refund(address);
      isGuess = false;
      const admin = audit.nameOf(id);
      if (changes(method)) checkOrigin(headers, origins);
      requests.spend(admin, noteLimit);
      if (changes(method)) changing.spend(admin, noteLimit);
      context.set('admin', admin);
      context.set('body', body);
    } catch (error) {
      const { status, code } = problemOf(error);
      if (status !== 429) {
        if (!isGuess) (status === 401 ? refusals : others).spend(address, noteLimit);
        note(code);
      }
      throw error;
    }
    await next();
    context.header('cache-control', 'no-store');
  };
}

/** Whether a request has any credential at all: without one nothing of it is read. */
function mayCome(headers: Headers): boolean {
  return ['authorization', 'x-user-token', headerNames.signature].some((name) => headers.has(name));
}

/** A browser names the page that a change comes from; it has to be one of ours. */
function checkOrigin(headers: Headers, origins: readonly string[]): void {
  const origin = headers.get('origin');
  if (origin !== null && !origins.includes(origin)) {
    throw forbidden(
      'No page of this origin may change anything: ADMIN_ORIGINS names those that may',
    );
  }
}

function audited({ audit, runner }: Parts, action: string, handler: Handler): Handler {
  return async (context) => {
    const id = context.req.param('id') ?? '';
    // A dump's id, or that of a job of ours: what else a caller sends is not written down. A user's has a job's shape.
    const isOurs = nameOf(id) !== undefined || runner.records.get(id) !== undefined;
    const note = (outcome: string): void => {
      audit.record(context.get('admin'), action, outcome, isOurs ? id : context.get('started'));
    };
    try {
      const response = await handler(context);
      note(response.status === 202 ? 'accepted' : 'done');
      return response;
    } catch (error) {
      note(problemOf(error).code);
      throw error;
    }
  };
}

/** What the request came by; undefined in a server that is not Node's. */
function incomingOf(context: Context): IncomingMessage | undefined {
  return (context.env as Partial<HttpBindings> | undefined)?.incoming;
}

function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? '';
  } catch {
    // Mounted in a server that does not tell.
    return '';
  }
}
