/**
 * Peak memory, as Linux counts it in `VmHWM`. The `ru_maxrss` of getrusage will not do: it is inherited over fork and
 * exec, so that a small child of a large parent shows the parent's peak.
 */

import { readFileSync } from 'node:fs';

/** In milliseconds. What a process adds between the last look and its end is missed. */
const interval = 10;

/** Bytes that this process has had at most. Elsewhere than on Linux what getrusage says. */
export function ownPeak(): number {
  return highWater('self') ?? process.resourceUsage().maxRSS * 1024;
}

/** The most that a process and all that it started had at one time, each counted with its own peak. */
export class PeakWatch {
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(pid: number | undefined) {
    this.#timer = setInterval(() => {
      if (pid !== undefined) this.#peak = Math.max(this.#peak, family(pid));
    }, interval);
  }

  get bytes(): number | undefined {
    return this.#peak === 0 ? undefined : this.#peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function family(pid: number): number {
  const children = read(`/proc/${pid}/task/${pid}/children`) ?? '';
  return children
    .split(' ')
    .filter((child) => child !== '')
    .reduce((sum, child) => sum + family(Number(child)), highWater(pid) ?? 0);
}

function highWater(pid: number | 'self'): number | undefined {
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
