/** Folders of the service that are private. */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the folder when it is missing, for its owner alone and with a `.gitignore` of `*`: its usual place is a
 * repository. One that is there stays as it is.
 */
export function makePrivate(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o700 }) === undefined) return;
  chmodSync(path, 0o700);
  writeFileSync(join(path, '.gitignore'), '*\n');
}
