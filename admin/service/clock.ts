/** The clock that dumps and backups are named by. */

import { setTimeout as sleep } from 'node:timers/promises';

/** What a name of theirs stands for. */
export const secondMs = 1000;

/** Waits for a time, in milliseconds, that may be over. Timers go by another clock, and often end just before it. */
export async function comes(time: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const wait = time - Date.now();
    if (wait <= 0) return;
    await sleep(wait, undefined, { signal });
  }
}
