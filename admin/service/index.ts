/**
 * The admin service: makes public data dumps and private backups for administrators of the platform, and publishes
 * the former. `createAdminApp` is a Hono app to mount; `npm run admin` serves it.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';

import { assemble } from './assemble.js';
import { Audit } from './audit.js';
import { Doorkeeper } from './auth/caller.js';
import { Nonces } from './auth/nonces.js';
import { checkAuth } from './checks.js';
import { codeOf } from './codes.js';
import { failure, newCorrelationId, Problem, problemOf, success } from './envelope.js';
import { api } from './http/api.js';
import { panel } from './http/panel.js';
import { publicDumps } from './http/public.js';
import { secure, securityHeaders } from './http/security.js';
import type { JobRunner } from './jobs/runner.js';
import { logDefect } from './log.js';
import { ConfigurationError } from './options.js';
import type { AdminOptions } from './options.js';
import { windowMs } from './signature.js';
import type { Catalogue } from './storage/catalogue.js';
import { FolderStore } from './storage/folder.js';
import { tidy } from './tidying.js';

export type { AuditLine } from './audit.js';
export { ConfigurationError } from './options.js';
export type * from './options.js';

const tidyEveryMs = 3_600_000;

/** The service as a Hono app. */
export class AdminApp extends Hono {
  readonly #tidying: NodeJS.Timeout;

  constructor(
    private readonly runner: JobRunner,
    catalogue: Catalogue,
  ) {
    super();
    this.#tidying = setInterval(() => {
      tidy(runner, catalogue).catch(logDefect);
    }, tidyEveryMs);
    this.#tidying.unref();
  }

  /** Stops the running job, waits until it has cleaned up, and takes no more. */
  close(): Promise<void> {
    clearInterval(this.#tidying);
    return this.runner.close();
  }
}

/**
 * Makes the service. Throws a ConfigurationError when nobody could be let in, when dumps have no place to go, or when
 * public and private files would lie in one folder. To be mounted before what reads bodies, such as `express.json()`,
 * and closed when the process is to end.
 */
export function createAdminApp(options: AdminOptions): AdminApp {
  checkAuth(options);
  const { auth, origins, rateLimits = {} } = options;
  // Where its key is damaged there is none, and yet there are jobs that a killed service has left.
  let audit = undefined as Audit | undefined;
  const { stateDir, store, catalogue, runner, dumps, backups } = assemble(options, (job) => {
    audit?.record(null, `job.${job.kind}`, job.error?.code ?? job.state, job.id);
  });
  audit = new Audit(auditKey(stateDir), options.onAudit);
  const nonces = new Nonces(join(stateDir, 'nonces'), 2 * windowMs);
  const doorkeeper = new Doorkeeper(auth, origins, nonces);

  const app = new AdminApp(runner, catalogue);
  app.onError(answerTo);
  app.notFound(() => answerTo(new Problem(404, 'NOT_FOUND', 'There is nothing here')));
  app.get('/healthz', secure, (context) => context.json(success({ status: 'ok' })));
  const parts = { doorkeeper, audit, runner, dumps, backups, catalogue, origins, rateLimits };
  app.route('/', api(parts));
  if (store instanceof FolderStore) app.route('/', publicDumps(store, catalogue));
  app.route('/', panel(fileURLToPath(new URL('../panel', import.meta.url))));
  return app;
}

function answerTo(error: unknown): Response {
  const problem = problemOf(error);
  const correlationId = newCorrelationId();
  if (problem.status >= 500) logDefect(problem, correlationId);
  return Response.json(failure(problem, correlationId), {
    status: problem.status,
    headers: { ...securityHeaders, 'cache-control': 'no-store', ...problem.headers },
  });
}

/** The key of the names in the audit: made once, kept beside what else must survive a restart. */
function auditKey(stateDir: string): string {
  const path = join(stateDir, 'audit-key');
  if (!existsSync(path)) makeKey(path);
  const key = readFileSync(path, 'utf8');
  if (/^[0-9a-f]{64}$/.test(key)) return key;
  throw new ConfigurationError(
    `${path} is damaged: bring it back, or remove it, after which the audit calls every admin by another name`,
  );
}

function name(part: string, path: string): void {
  try {
    linkSync(part, path);
  } catch (error) {
    // That it is there already is another process's doing. FAT and many shares know no links: where two start in one
    // instant there, the last one's stays, and the other has its own until it is started again.
    if (codeOf(error) !== 'EEXIST') renameSync(part, path);
  }
}

/** Whole, or not at all: nobody ever finds half a key, and the first of two processes makes it. */
function makeKey(path: string): void {
  const part = `${path}.${randomUUID()}.part`;
  try {
    const key = randomBytes(32).toString('hex');
    writeFileSync(part, key, { flag: 'wx', mode: 0o600, flush: true });
    name(part, path);
  } finally {
    rmSync(part, { force: true });
  }
}
