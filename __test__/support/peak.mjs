/** How much memory a process of a test has had. */

import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Bytes at most. Linux' own count is of this process alone: that of getrusage begins with the parent's. */
export function peakBytes() {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
