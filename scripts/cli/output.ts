/** The folder that receives archives. */

import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { missingFolders } from '../../dist/admin/folders.js';

/** A folder this command made. */
export interface MadeFolder {
  /** Takes it and the parents made with it away again, unless something came into them. */
  undo(): Promise<void>;
}

/**
 * Makes the folder when it is missing, with a `.gitignore` of `*`: what comes into it is private, and the usual place
 * for it is a repository. Undefined when it was there, and when it cannot be made: then nothing of it stays, and the
 * job's error says why.
 */
export async function makeFolder(path: string): Promise<MadeFolder | undefined> {
  const missing = missingFolders(resolve(path));
  const folder = missing.at(-1);
  if (folder === undefined) return undefined;
  const ignore = join(folder, '.gitignore');
  const made: string[] = [];
  const undo = async (): Promise<void> => {
    if (made.length === missing.length) {
      // What another run has put there meanwhile is to stay out of git.
      const names = await readdir(folder).catch(() => []); // as with a umask of 777
      if (names.some((name) => name !== '.gitignore')) return;
      if (names.length > 0) await rm(ignore);
    }
    for (const one of [...made].reverse()) await rmdir(one);
  };
  try {
    // One at a time: with `recursive` Node never returns where the file system refuses with ENOENT (/proc).
    for (const one of missing) {
      await mkdir(one);
      made.push(one);
    }
    await writeFile(ignore, '*\n');
  } catch {
    await undo().catch(() => undefined);
    return undefined;
  }
  return { undo };
}
