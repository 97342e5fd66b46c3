/** Backups in processes of their own (see job.mjs), under limits that only a process can be put under. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import type { BackupOptions, BackupResult } from '../../index.js';

/** How a job ended, and the output folder before and after. */
export interface Outcome {
  readonly result?: BackupResult;
  readonly error?: {
    readonly code?: string;
    readonly name: string;
    readonly message: string;
    readonly cause?: string;
  };
  readonly before: readonly string[] | null;
  readonly after: readonly string[] | null;
  /** The most memory that its process had. */
  readonly peakBytes: number;
}

export interface JobRequest {
  readonly options: BackupOptions;
  /** Fills the disk once the phase is seen. */
  readonly fill?: { readonly phase: string; readonly file: string };
}

export interface RunningJob {
  readonly child: ChildProcess;
  /** The first report of a phase. */
  seen(phase: string): Promise<void>;
  /** Undefined when it was killed. */
  readonly outcome: Promise<Outcome | undefined>;
}

const script = join(__dirname, 'job.mjs');

const living = new Set<ChildProcess>();

// A test that fails leaves nobody behind, paused or not: jest would wait for their pipes for ever.
afterEach(() => {
  living.forEach((child) => child.kill('SIGKILL'));
});

/** Starts a job; `wrapper` is a command that runs the command behind it. */
export function startJob(
  request: JobRequest,
  wrapper: readonly string[] = [],
  cwd?: string,
): RunningJob {
  const command = [...wrapper, process.execPath, script, JSON.stringify(request)];
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  living.add(child);
  child.once('close', () => living.delete(child));
  const phases = new Set<string>();
  const waiting: (() => void)[] = [];
  let outcome: Outcome | undefined;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const told = JSON.parse(line) as { phase?: string } & Outcome;
    if (told.phase === undefined) outcome = told;
    else phases.add(told.phase);
    waiting.forEach((look) => {
      look();
    });
  });
  return {
    child,
    seen: (phase) =>
      new Promise((found, failed) => {
        const look = (): void => {
          if (phases.has(phase)) found();
          else if (outcome !== undefined)
            failed(new Error(`ended before ${phase}: ${JSON.stringify(outcome)}`));
        };
        waiting.push(look);
        look();
      }),
    outcome: Promise.all([once(child, 'close'), once(lines, 'close')]).then(() => outcome),
  };
}

/** Stops a process and waits until none of its threads runs any more: the signal alone only asks. */
export async function pause(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP');
  while (!statesOf(child.pid ?? 0).every((state) => state.startsWith('T'))) await sleep(5);
}

/** The states of its threads, or of the whole where the system does not show threads. */
function statesOf(pid: number): string[] {
  const tasks = `/proc/${String(pid)}/task`;
  if (!existsSync(tasks)) {
    return [execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).trim()];
  }
  return readdirSync(tasks).flatMap((task) => {
    try {
      return [readFileSync(`${tasks}/${task}/status`, 'utf8').replace(/^.*\nState:\s*/s, '')];
    } catch {
      // It has ended since.
      return [];
    }
  });
}

export async function runJob(
  request: JobRequest,
  wrapper?: readonly string[],
  cwd?: string,
): Promise<Outcome> {
  const outcome = await startJob(request, wrapper, cwd).outcome;
  if (outcome === undefined) throw new Error('the job died');
  return outcome;
}

const isRoot = process.getuid?.() === 0;

/**
 * A new mount namespace with a tmpfs on `folder`, which is gone with the process. As another user than root, that
 * takes a user namespace.
 */
export function onTmpfs(folder: string, mountOptions: string): string[] {
  const unshare = ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--mount'];
  const mount = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"';
  return [...unshare, 'sh', '-c', mount, mountOptions, folder];
}

/** A new namespace of pids, as a container has one; what runs in it dies with the wrapper. */
export function inOwnPids(): [string, ...string[]] {
  return ['unshare', ...(isRoot ? [] : ['--map-root-user']), '--fork', '--pid', '--kill-child'];
}

/** Permissions count for root too. */
export function boundByModes(): string[] {
  return isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
}
