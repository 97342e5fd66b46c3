/** How a job that did not end well is told. */

import { codeOf, isAddonCode } from '../codes.js';
import { Problem, problemOf } from '../envelope.js';
import type { Job, JobError } from './job.js';

/** The end of a job for a reason, of which `onDefect` is told what callers are not. */
export function endAfter(
  reason: unknown,
  onDefect: (error: unknown) => void,
): Pick<Job, 'state' | 'error'> {
  return { state: stateAfter(reason), error: errorOf(reason, onDefect) };
}

function stateAfter(reason: unknown): 'cancelled' | 'interrupted' | 'failed' {
  switch (codeOf(reason)) {
    case 'CANCELLED':
      return 'cancelled';
    case 'INTERRUPTED':
      return 'interrupted';
    default:
      return 'failed';
  }
}

/** What a caller is told. The addon's own errors have messages for people; others stay in the log. */
function errorOf(error: unknown, onDefect: (error: unknown) => void): JobError {
  const code = codeOf(error);
  if (error instanceof Problem || (code !== undefined && isAddonCode(code))) {
    if (error instanceof Error && error.cause !== undefined) onDefect(error);
    return { code: code ?? 'INTERNAL_ERROR', message: (error as Error).message };
  }
  onDefect(error);
  const { code: own, message } = problemOf(error);
  return { code: own, message };
}
