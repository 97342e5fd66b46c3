/** Folders that the service works in. */

import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { codeOf } from './codes.js';
import { ConfigurationError } from './options.js';

/**
 * Makes the folder when it is missing, for its owner alone and with a `.gitignore` of `*`: its usual place is a
 * repository. One that is there stays as it is.
 */
export function makePrivate(path: string, variable: string): void {
  if (!makeNamed(path, variable, 0o700)) return;
  chmodSync(path, 0o700);
  writeFileSync(join(path, '.gitignore'), '*\n');
}

/** Makes the folder that a variable names, and those above it; whether it was missing. */
export function makeNamed(path: string, variable: string, mode?: number): boolean {
  try {
    const missing = missingFolders(path);
    // One at a time: with `recursive` Node never returns where the file system refuses with ENOENT (/proc).
    for (const one of missing) makeUnlessThere(one, mode);
    if (!statSync(path).isDirectory()) throw new Error('it is a file');
    return missing.length > 0;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(
      `${variable}: ${path} cannot be made or used as a folder (${why}); check it, or name another`,
      { cause },
    );
  }
}

/** The folders that a path needs and that are not there, outermost first. */
export function missingFolders(path: string): string[] {
  if (existsSync(path) || dirname(path) === path) return [];
  return [...missingFolders(dirname(path)), path];
}

/** Another instance may have made it meanwhile. */
function makeUnlessThere(path: string, mode?: number): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** What Node says of a working folder that was deleted names a system call, and nothing to do. */
export function explained(error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')) return error;
  const problem = 'the folder this runs in is gone: change to one that is there (cd)';
  return new ConfigurationError(problem, { cause: error });
}
