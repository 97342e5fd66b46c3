/** How a backup is refused. */

import { type BackupOptions, createBackup } from '../../index.js';

/** What a rejection says; a synchronous throw is a failure of the spec. */
interface Rejection {
  readonly code?: string;
  readonly name?: string;
  readonly message?: string;
  readonly cause?: unknown;
}

/** What a backup with these options, of whatever type they are, is rejected with. */
export function rejection(options: unknown): Promise<Rejection> {
  const promise = createBackup(options as BackupOptions);
  return promise.then(
    () => ({}),
    (error: unknown) => error as Rejection,
  );
}

/** Rows that are named, and are not there. */
export const nowhere = { file: 'no-such.sqlite' };
