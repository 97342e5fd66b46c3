/** What `npm run` does to the flags of a command, for the service and, as it is built, for the commands. */

import type { Command } from 'commander';

import { ConfigurationError } from './options.js';

/**
 * Why a command must not go on, and how to write it: npm took flags for its own. `npm run backup --database-file x`, or
 * the same with a `--` that PowerShell removed, reaches us as the variable `npm_config_database_file`; what would run
 * is another command than the one that was written. `flags`: all that the command has. Undefined when none was taken.
 */
export function keptByNpm(
  args: readonly string[],
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const script = environment['npm_lifecycle_event'];
  if (script === undefined) return undefined;
  const variable = (flag: string): string =>
    `npm_config_${flag.replace(/^--(no-)?/, '').replaceAll('-', '_')}`;
  // What came through was not swallowed: a setting of npm has its name.
  const absent = new Set(flags.filter((flag) => !args.includes(flag)));
  const kept = [...absent].filter((flag) => environment[variable(flag)] !== undefined);
  if (kept.length === 0) return undefined;
  return (
    `npm kept ${kept.join(', ')} for itself: write \`npm run ${script} -- ${kept.join(' … ')} …\`, ` +
    `in PowerShell with quotes around the two dashes (\`npm run ${script} '--' …\`)`
  );
}

/** Refuses to run a program of the service whose flags npm took for its own. */
export function refuseSwallowedFlags({ options }: Command): void {
  const flags = options.map(({ long }) => long ?? '');
  const kept = keptByNpm(process.argv.slice(2), flags, process.env);
  if (kept !== undefined) throw new ConfigurationError(kept);
}
