/** The processes that the benchmark starts: one at a time, and none is left when it is interrupted. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { PeakWatch } from './memory.js';

export interface Finished {
  readonly stdout: string;
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** Of the process and those that it started; undefined where `/proc` does not tell. */
  readonly watchedPeak: number | undefined;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly shell?: boolean;
  /** Looks at the memory of the whole family of processes while they run. */
  readonly watch?: boolean;
}

const windows = process.platform === 'win32';

export class Children {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Runs to the end; rejects when the process fails or the benchmark is interrupted. */
  async run(
    command: string,
    args: readonly string[],
    { cwd, shell = false, watch = false }: RunOptions = {},
  ): Promise<Finished> {
    this.#signal.throwIfAborted();
    const begun = performance.now();
    const child = spawn(command, args, {
      cwd,
      shell,
      stdio: ['ignore', 'pipe', 'inherit'],
      // A group of its own, so that a pipeline ends as a whole.
      detached: !windows,
    });
    const peak = watch ? new PeakWatch(child.pid) : undefined;
    const stop = (): void => {
      kill(child);
    };
    this.#signal.addEventListener('abort', stop);
    try {
      const [stdout, [code, signal]] = await Promise.all([text(child.stdout), closed(child)]);
      const seconds = (performance.now() - begun) / 1000;
      this.#signal.throwIfAborted();
      if (code !== 0) {
        throw new Error(`${command} ended with ${String(code ?? signal)}: see its messages above`);
      }
      return { stdout, seconds, watchedPeak: peak?.bytes };
    } finally {
      peak?.stop();
      this.#signal.removeEventListener('abort', stop);
    }
  }
}

async function closed(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || windows) {
    child.kill();
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
