/** Where settings come from. Later wins: defaults, `.env`, the environment, flags. */

import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';

import { codeOf, UsageError } from './errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a setting is without a flag. An empty variable counts as unset. */
export interface Defaults {
  readonly outputDir: string;
}

/** Reads the layers below the flags. */
export function readDefaults(environment: Environment, dotenvPath = '.env'): Defaults {
  const layers = [environment, readDotenv(dotenvPath)];
  const look = (name: string): string | undefined =>
    layers.map((layer) => layer[name]).find((value) => value !== undefined && value !== '');
  return { outputDir: look('BACKUP_OUTPUT_DIR') ?? './backups/' };
}

function readDotenv(path: string): Environment {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw new UsageError(`cannot read ${path}: make it readable or move it away`, { cause: error });
  }
}

/**
 * Refuses a command whose flags npm took for its own. `npm run backup --database-file x`, or the same with a `--`
 * that PowerShell removed, reaches us as the variable `npm_config_database_file`; going on would run another command
 * than the one that was written.
 */
export function refuseSwallowedFlags(flags: readonly string[], environment: Environment): void {
  const script = environment['npm_lifecycle_event'];
  if (script === undefined) return;
  const variable = (flag: string): string =>
    `npm_config_${flag.replace(/^--(no-)?/, '').replaceAll('-', '_')}`;
  const swallowed = flags.filter((flag) => environment[variable(flag)] !== undefined);
  if (swallowed.length === 0) return;
  throw new UsageError(
    `npm kept ${swallowed.join(', ')} for itself: write \`npm run ${script} -- ${swallowed.join(' … ')} …\`, ` +
      `in PowerShell with quotes around the two dashes (\`npm run ${script} '--' …\`), ` +
      'or `npx cultural-archiver-backup backup …`',
  );
}
