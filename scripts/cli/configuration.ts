/** Where settings come from. Later wins: defaults, wrangler's configuration, `.env`, the environment, flags. */

import { join } from 'node:path';

// The service's, as it is built: the same from scripts/cli and from dist/cli.
import { readDotenv, firstSet } from '../../dist/admin/dotenv.js';
import { UsageError } from './errors.js';

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

/**
 * Refuses a command whose flags npm took for its own. `npm run backup --database-file x`, or the same with a `--`
 * that PowerShell removed, reaches us as the variable `npm_config_database_file`; going on would run another command
 * than the one that was written.
 */
export function refuseSwallowedFlags(
  args: readonly string[],
  flags: readonly string[],
  environment: Environment,
): void {
  const script = environment['npm_lifecycle_event'];
  if (script === undefined) return;
  const variable = (flag: string): string =>
    `npm_config_${flag.replace(/^--(no-)?/, '').replaceAll('-', '_')}`;
  // What came through was not swallowed: a setting of npm has its name.
  const absent = new Set(flags.filter((flag) => !args.includes(flag)));
  const swallowed = [...absent].filter((flag) => environment[variable(flag)] !== undefined);
  if (swallowed.length === 0) return;
  throw new UsageError(
    `npm kept ${swallowed.join(', ')} for itself: write \`npm run ${script} -- ${swallowed.join(' … ')} …\`, ` +
      `in PowerShell with quotes around the two dashes (\`npm run ${script} '--' …\`), ` +
      `or \`npx --no cultural-archiver-backup ${args[0] ?? script} …\`. If .npmrc has a setting of that name, take it out there`,
  );
}
