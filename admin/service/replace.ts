/** Gives a file a name that another one may have. Windows refuses that for as long as anybody has either of them open. */

import { renameSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf } from './codes.js';

/** How often it is tried, and the pause between: two seconds in all, where a reader or a scanner takes moments. */
const attempts = 200;
const pauseMs = 10;
/** The same where nothing else goes on meanwhile: a twentieth of a second. */
const blockingAttempts = 50;
const blockingPauseMs = 1;

/** Renames a file, over another one if need be; on Windows again and again while it is refused. */
export async function replace(from: string, to: string): Promise<void> {
  for (let left = attempts; ; left -= 1) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      if (left === 1 || !isBusy(error)) throw error;
    }
    await sleep(pauseMs);
  }
}

/** As `replace`, for a moment in which the process does nothing else. */
export function replaceSync(from: string, to: string): void {
  for (let left = blockingAttempts; ; left -= 1) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (left === 1 || !isBusy(error)) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockingPauseMs);
  }
}

/** It does not tell a file that is open from one that may not be written. */
function isBusy(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error) ?? '');
}
