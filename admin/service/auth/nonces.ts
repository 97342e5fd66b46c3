/** Remembers nonces, across restarts and for all processes that share the folder: one empty file for each. */

import { createHash } from 'node:crypto';
import { open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '../codes.js';
import { stateUnwritable } from '../envelope.js';
import { makeNamed } from '../folders.js';

/** FAT and its like keep times in steps of two seconds. */
const roundedMs = 2_000;

export class Nonces {
  #sweptAt = 0;

  constructor(
    private readonly folder: string,
    private readonly rememberedMs: number,
  ) {
    makeNamed(folder, 'ADMIN_STATE_DIR', 0o700);
  }

  /** True the first time, false ever after. */
  async spend(nonce: string): Promise<boolean> {
    const name = createHash('sha256').update(nonce).digest('hex');
    try {
      await this.#sweep();
      const file = await open(join(this.folder, name), 'wx', 0o600);
      // By the clock that the windows go by: a share may have another.
      const now = new Date();
      await file.utimes(now, now).finally(() => file.close());
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      return stateUnwritable(error);
    }
  }

  /** Forgets what no window reaches any more. */
  async #sweep(): Promise<void> {
    const now = Date.now();
    if (now - this.#sweptAt < this.rememberedMs) return;
    this.#sweptAt = now;
    for (const name of (await readdir(this.folder)).filter(isNonce)) {
      const path = join(this.folder, name);
      const made = await stat(path).catch(() => undefined);
      if (made !== undefined && now - made.mtimeMs > this.rememberedMs + roundedMs) {
        await unlink(path).catch(() => undefined);
      }
    }
  }
}

/** Whether a file was made here. */
function isNonce(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
