/** What a run took, told by the process itself in the last thing that it prints. */

import { writeSync } from 'node:fs';

import { ownPeak } from './memory.js';

export interface Usage {
  /** User and system time of all threads, and of a shell's finished children, in seconds. */
  readonly cpuSeconds: number;
  /** Undefined where it cannot be known. */
  readonly peakBytes: number | undefined;
}

/** Prints the usage of this process when it ends. */
export function reportUsageAtExit(): void {
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const usage: Usage = { cpuSeconds: (user + system) / 1e6, peakBytes: ownPeak() };
    writeSync(1, JSON.stringify(usage));
  });
}

export function parseUsage(stdout: string): Usage {
  return JSON.parse(stdout) as Usage;
}

/** Reads what the shell builtin `times` prints (POSIX 2.15): the shell's own line, then its children's. */
export function parseTimes(stdout: string): number {
  const parts = [...stdout.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 4)
    throw new Error(`the shell's \`times\` printed something else: ${stdout}`);
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
