/** How a command ends: its exit codes, and what it says when it fails. */

import { codeOf } from '../../dist/admin/codes.js';
import { interrupted } from '../../dist/admin/signals.js';

export const exitCode = {
  complete: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  interrupted,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** A command line that cannot be carried out as it stands. */
export class UsageError extends Error {
  readonly code = 'INVALID_OPTIONS';
  override readonly name = 'UsageError';
}

/** What a failure says to people and programs; never a stack. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly causes: readonly string[];
}

export function describe(error: unknown): Failure {
  const causes: string[] = [];
  let cause = causeOf(error);
  // An abort's cause repeats the abort; a chain made by hand may go round in a circle.
  while (cause !== undefined && causes.length < 8 && codeOf(error) !== 'ABORT_ERR') {
    causes.push(messageOf(cause));
    cause = causeOf(cause);
  }
  return { code: codeOf(error) ?? 'INTERNAL_ERROR', message: messageOf(error), causes };
}

export function exitCodeOf(error: unknown): ExitCode {
  switch (codeOf(error)) {
    case 'INVALID_OPTIONS':
      return exitCode.usage;
    case 'ABORT_ERR':
      return exitCode.interrupted;
    default:
      return exitCode.failed;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
