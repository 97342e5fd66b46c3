/** Removes what is old although nothing new is published: what was replaced may be what should not be public. */

import { codeOf } from './codes.js';
import type { JobRunner } from './jobs/runner.js';
import type { Catalogue } from './storage/catalogue.js';

export async function tidy(
  runner: Pick<JobRunner, 'isBusy' | 'alone'>,
  catalogue: Pick<Catalogue, 'hasOld' | 'prune'>,
): Promise<void> {
  if (runner.isBusy || !(await catalogue.hasOld())) return;
  try {
    await runner.alone(() => catalogue.prune());
  } catch (error) {
    // Whoever is in the way prunes as well, or the next hour does.
    if (!['JOB_RUNNING', 'SHUTTING_DOWN'].includes(codeOf(error) ?? '')) throw error;
  }
}
