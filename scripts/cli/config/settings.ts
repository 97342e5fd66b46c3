/** Where settings come from. Later wins: defaults, wrangler's configuration, `.env`, the environment, flags. */

import { join } from 'node:path';

// The service's, as it is built: the same from scripts/cli/config and from dist/cli/config.
import { readDotenv, firstSet } from '../../../dist/admin/dotenv.js';
import { UsageError } from '../errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The layers below the flags. */
export class Settings {
  readonly #layers: readonly Environment[];

  /** `folders` may hold a `.env` each; the first wins, and the environment over all of them. */
  constructor(environment: Environment, folders: readonly string[] = ['.']) {
    this.#layers = [
      environment,
      ...folders.map((folder) => readDotenv(join(folder, '.env'), UsageError)),
    ];
  }

  /** A setting by the name of its variable. An empty variable counts as unset. */
  get(name: string): string | undefined {
    return firstSet(this.#layers, name);
  }
}
