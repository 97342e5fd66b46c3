/** `npm run admin`: serves the admin service until it is told to stop. `-- --demo` shows it on invented data. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import { Command } from 'commander';

import './built.js';
import { originOf, readEnvironment, readPort } from './environment.js';
import type { ServerOptions } from './environment.js';
import { explained } from './folders.js';
import { ConfigurationError, createAdminApp } from './index.js';
import { logDefect } from './log.js';
import { refuseSwallowedFlags } from './npm.js';
import { onSignals } from './signals.js';
import { keepClientQuiet, surviveLostOutput } from './stdio.js';

/** How long a client may take to send its request, which is a few words, and how many may be connected. */
const headersTimeout = 15_000;
const requestTimeout = 30_000;
const connectionsCheckingInterval = 5_000;
const maxConnections = 5_000;
/** After so much silence a connection is dead. Who waits for a job hears nothing for five minutes. */
const silenceMs = 6 * 60_000;
/** A connection is kept for the next request longer than proxies keep theirs: one of theirs would meet a closed one. */
const keepAliveTimeout = 2 * 60_000;

surviveLostOutput();
keepClientQuiet();
const command = new Command('admin')
  .description('serves the admin service until it is told to stop; the README has its variables')
  .option('--demo', 'shows it on invented data, with a token that is gone with the process')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
try {
  refuseSwallowedFlags(command);
  const { demo: isDemo } = command.opts<{ demo?: true }>();
  run(isDemo ? await demo(process.env) : readEnvironment(process.env));
} catch (thrown) {
  const error = explained(thrown);
  if (error instanceof ConfigurationError) console.error(`error: ${error.message}`);
  else logDefect(error);
  process.exitCode = error instanceof ConfigurationError ? 2 : 1;
}

function run({ host, port, admin }: ServerOptions): void {
  const app = createAdminApp(admin);
  const serverOptions = {
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval,
    keepAliveTimeout,
  };
  const server = serve(
    { fetch: app.fetch, hostname: host, port, serverOptions },
    ({ address, port: bound }) => {
      console.log(`Admin service at ${originOf(address, bound)}/admin/`);
    },
  ) as Server;
  server.maxConnections = maxConnections;
  server.setTimeout(silenceMs);
  server.on('error', (error) => {
    // Once it listens, what one connection meets is no reason to end.
    if (server.listening) {
      logDefect(error);
      return;
    }
    console.error(
      `error: cannot listen at ${originOf(host, port)} (${error.message}): set ADMIN_PORT or ADMIN_HOST, or end what listens there`,
    );
    process.exitCode = 1;
    void app.close();
  });
  onSignals(() => {
    void app.close().finally(() => {
      server.close();
      server.closeAllConnections();
    });
  });
}

/** An invented archive in a temporary folder, dumps in a folder beside it, and a token that is gone with the process. */
async function demo(environment: NodeJS.ProcessEnv): Promise<ServerOptions> {
  const port = readPort(environment);
  console.log('Making invented data, which takes some seconds');
  const base = await mkdtemp(join(tmpdir(), 'cultural-archiver-demo-'));
  const folder = join(base, 'platform');
  const script = fileURLToPath(new URL('../demo.js', import.meta.url));
  await promisify(execFile)(process.execPath, [script, '--dir', folder]);
  const token = randomBytes(24).toString('base64url');
  const own = `http://localhost:${port}`;
  console.log(
    `Demo data in ${base}, which nobody needs afterwards\nSign in at ${own}/admin/ with the token ${token}`,
  );
  return {
    host: '127.0.0.1',
    port,
    admin: {
      database: { file: join(folder, 'archive.sqlite') },
      photos: { directory: join(folder, 'photos') },
      auth: { oneTimeToken: token },
      dumps: { directory: join(base, 'public'), publicUrl: own },
      backupDir: join(folder, 'backups'),
      stateDir: join(base, 'state'),
      origins: [own, `http://127.0.0.1:${port}`],
    },
  };
}
