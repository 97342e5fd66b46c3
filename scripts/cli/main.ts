#!/usr/bin/env node
/** `cultural-archiver-backup`: the commands, the signals, the exit code. */

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';

// The service's, as it is built: the same from scripts/cli and from dist/cli.
import '../../dist/admin/built.js';
import { explained } from '../../dist/admin/folders.js';
import { keptByNpm } from '../../dist/admin/npm.js';
import { onSignals } from '../../dist/admin/signals.js';
import { surviveLostOutput } from '../../dist/admin/stdio.js';
import { backupCommand, runBackup } from './backup.js';
import { dataDumpCommand, runDataDump } from './data-dump.js';
import { exitCode, type ExitCode, exitCodeOf, UsageError } from './errors.js';
import { restoreCommand, runRestore } from './restore.js';
import { type Mode, Terminal } from './terminal.js';
import { runVerify, verifyCommand } from './verify.js';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<ExitCode> {
  surviveLostOutput();
  const terminal = new Terminal(modeOf(args));
  let outcome: ExitCode = exitCode.complete;
  const commands = [
    { command: backupCommand(), run: runBackup },
    { command: dataDumpCommand(), run: runDataDump },
    { command: verifyCommand(), run: runVerify },
    { command: restoreCommand(), run: runRestore },
  ];
  for (const { command, run } of commands) {
    command.action(async () => {
      terminal.flags = command.options;
      refuseFlagsAsValues(command);
      outcome = await run(command, terminal, abortOnSignals());
    });
  }
  const program = new Command('cultural-archiver-backup')
    .description('backups of the Cultural Archiver that restore, and public data dumps')
    .version(ownVersion());
  for (const { command } of commands) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    // What commander would print about a wrong command line goes the way of every other error.
    command
      .addHelpText(
        'after',
        '\nExit codes: 0 complete or sound, 1 failed or not sound, 2 usage, 3 done but incomplete, 130 interrupted',
      )
      .exitOverride()
      .configureOutput({ outputError: () => undefined })
      .helpCommand(false);
  }
  try {
    refuseWhatNodeLost(args);
    refuseWhatNpmKept(args, program.commands);
    await program.parseAsync(args, { from: 'user' });
    return outcome;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCode.complete;
      terminal.error(usage(error));
      return exitCode.usage;
    }
    const failure = explained(error);
    terminal.error(failure);
    return exitCodeOf(failure);
  }
}

/** Known before the arguments are parsed: a mistake in them is told the same way. */
function modeOf(args: readonly string[]): Mode {
  if (args.includes('--json')) return 'json';
  return args.includes('--quiet') ? 'quiet' : 'human';
}

/** Refuses a command line of which npm took flags for its own. */
function refuseWhatNpmKept(args: readonly string[], commands: readonly Command[]): void {
  const flags = commands.flatMap(({ options }) => options.map(({ long }) => long ?? ''));
  const kept = keptByNpm(args, flags, process.env);
  if (kept === undefined) return;
  const command = args[0] ?? process.env['npm_lifecycle_event'] ?? '';
  throw new UsageError(
    `${kept}, or \`npx --no cultural-archiver-backup ${command} …\`. ` +
      'If .npmrc has a setting of that name, take it out there',
  );
}

/** Node puts U+FFFD in the place of what is not UTF-8: which file or text was meant is lost. */
function refuseWhatNodeLost(args: readonly string[]): void {
  const lost = args.find((arg) => arg.includes('\uFFFD'));
  if (lost === undefined) return;
  throw new UsageError(
    `${lost} is not UTF-8, which Node cannot take; rename it, or lead there by a link`,
  );
}

/** Refuses a flag in the place of another one's value, as is left where a shell's variable is empty. */
function refuseFlagsAsValues(command: Command): void {
  for (const option of command.options) {
    const [value] = [command.getOptionValue(option.attributeName()) as unknown].flat();
    if (command.options.some(({ long }) => long === value)) {
      throw new UsageError(
        `${option.long ?? ''} takes a value, and ${String(value)} is a flag; see --help`,
      );
    }
  }
}

function usage(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('no command was given: see --help');
  // A flag that takes several values takes all that follow it.
  const hint = error.code === 'commander.missingArgument' ? ': name it before the flags' : '';
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new UsageError(`${message}${hint}; see --help`);
}

/** The first signal ends the job in good order, the second one at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  onSignals(() => {
    process.stderr.write('\nstopping; once more to quit at once\n');
    controller.abort();
  });
  return controller.signal;
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
