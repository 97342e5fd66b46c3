/** The platform's envelopes: what every answer of the API looks like. */

import { randomBytes } from 'node:crypto';

export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

interface ProblemExtras {
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** A request that is answered with an error. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    { details, headers = {}, cause }: ProblemExtras = {},
  ) {
    super(message, { cause });
    this.details = details;
    this.headers = headers;
  }
}

export function invalid(problems: readonly FieldProblem[]): Problem {
  return new Problem(400, 'VALIDATION_ERROR', 'The request is not valid', {
    details: { validation_errors: problems },
  });
}

export const unauthorized = (message = 'Authentication is required'): Problem =>
  new Problem(401, 'UNAUTHORIZED', message);

export const forbidden = (message = 'Administrator permission is required'): Problem =>
  new Problem(403, 'FORBIDDEN', message);

/** Ends in a Problem what could not be written into the service's own folder. */
export function stateUnwritable(cause: unknown): never {
  const message = 'The service cannot write its state folder: check its permissions and its disk';
  throw new Problem(503, 'STATE_UNWRITABLE', message, { cause });
}

/** A success: `{ success, data, timestamp }`. */
export function success(data: unknown): object {
  return { success: true, data, timestamp: new Date().toISOString() };
}

/** A failure. Every one carries an id by which the service's log can be searched. */
export function failure(problem: Problem, correlationId = newCorrelationId()): object {
  return {
    success: false,
    error: problem.code,
    message: problem.message,
    timestamp: new Date().toISOString(),
    details: { ...problem.details, correlation_id: correlationId },
    ...(problem.details?.['validation_errors'] === undefined ? {} : { show_details: true }),
  };
}

export function newCorrelationId(): string {
  return randomBytes(4).toString('hex');
}

/** What is not a Problem is a defect or a broken surrounding: its message stays in the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(
    500,
    'INTERNAL_ERROR',
    'Something went wrong; the log of the service says what',
    {
      cause: error,
    },
  );
}
