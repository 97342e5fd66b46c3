/** The admin service as a process, as an operator starts it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { folder, root } from '../../support';

export interface Service {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything it has said on stdout and stderr. */
  output(): string;
  /** Ends it as an operator does, or as a power cut does. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Any free port, with addresses that name none. */
const anyPort = {
  ADMIN_PORT: '0',
  ADMIN_ORIGINS: 'http://localhost:0',
  DUMPS_PUBLIC_URL: 'http://localhost:0',
};

const services = new Set<Service>();
/** Also those that have not said yet that they listen. */
const children = new Set<ChildProcess>();

/** Starts `npm run admin` with an environment; rejects with what it said when it refuses. */
export function serve(
  env: Readonly<Record<string, string>>,
  wrapper: readonly string[] = [],
): Promise<Service> {
  return started([join(root, 'dist', 'admin', 'main.js')], env, wrapper);
}

/** Starts the service with a stand-in for the addon: see stand-in.mjs. `wrapper` is a command that runs it. */
export function serveStandIn(
  env: Readonly<Record<string, string>>,
  wrapper: readonly string[] = [],
): Promise<Service> {
  return started([join(__dirname, 'stand-in.mjs')], env, wrapper);
}

export async function stopServices(): Promise<void> {
  children.forEach((child) => child.kill('SIGKILL'));
  await Promise.all([...services].map((service) => service.stop('SIGKILL')));
}

async function started(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  wrapper: readonly string[],
): Promise<Service> {
  const { PATH = '' } = process.env;
  const [program = '', ...rest] = [...wrapper, process.execPath, ...args];
  const child = spawn(program, rest, {
    env: { PATH, ...(env['ADMIN_PORT'] === undefined ? anyPort : {}), ...env },
    // In a folder of its own: in the project's it would read the `.env` of whoever runs the tests.
    cwd: folder(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child.once('close', () => children.delete(child)));
  let said = '';
  const ended = once(child, 'close');
  const url = await new Promise<string>((ready, failed) => {
    const hear = (text: string): void => {
      said += text;
      const found = /Admin service at (http:\S+?)\/admin\//.exec(said)?.[1];
      if (found !== undefined) ready(found);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('close', (code) => {
      failed(new Error(`exit code ${code}: ${said}`));
    });
  });
  const service: Service = {
    url,
    child,
    output: () => said,
    async stop(signal = 'SIGTERM') {
      services.delete(service);
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
  services.add(service);
  return service;
}
