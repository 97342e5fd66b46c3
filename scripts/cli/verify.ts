/** The command `verify`: an archive in, what is wrong with it out. */

import { Argument, Command } from 'commander';

import { verifyArchive, type VerifyReport } from '../../index.js';
import { exitCode, type ExitCode, exitCodeOf } from './errors.js';
import { addOutputFlags } from './flags.js';
import { count, size } from './format.js';
import { labelled, remarks, type Row } from './lines.js';
import type { Terminal } from './terminal.js';

/** More would push what matters off the screen; `--json` names all that a report lists. */
const namedAtMost = 20;
/** What follows in a report counts the others. */
const listedAtMost = 1000;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('check all of an archive: whether a backup restores, whether a dump is whole')
    .addArgument(new Argument('<archive>', 'a backup or a data dump'));
  return addOutputFlags(command, 'nothing but the exit code');
}

/** Verifies the archive that `command` was parsed for. */
export async function runVerify(
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const path = command.args[0] ?? '';
  terminal.say(`Verifying ${path}`);
  try {
    const report = await verifyArchive(path, {
      signal,
      onProgress: (progress) => {
        terminal.progress(progress);
      },
    });
    terminal.close();
    terminal.result(report);
    summariseReport(report).forEach((line) => {
      terminal.say(line);
    });
    return report.ok ? exitCode.complete : exitCode.failed;
  } catch (error) {
    terminal.close();
    terminal.error(error);
    return exitCodeOf(error);
  }
}

/** What was found, line by line; the last line is the verdict. */
function summariseReport(report: VerifyReport): string[] {
  const { kind, problems } = report;
  const entries = report.entries === 1 ? '1 entry' : `${count(report.entries)} entries`;
  const rows: Row[] = [
    ['kind', kind ?? 'unknown'],
    ['size', `${size(report.bytes)} (${count(report.bytes)} bytes), ${entries}`],
    ['sha256', report.sha256],
    ...remarks('problem', problems.slice(0, listedAtMost), namedAtMost),
    ...remarks('problem', problems.slice(listedAtMost)),
  ];
  return [...rows.map(labelled), verdict(report)];
}

function verdict({ ok, kind, entries, problems }: VerifyReport): string {
  if (ok) {
    return kind === 'backup'
      ? 'Sound: every byte is as it was written, and the rows load'
      : 'Sound: every byte is as it was written';
  }
  if (problems.some(({ code }) => code === 'PRIVACY_LEAK')) {
    return 'NOT TO BE PUBLISHED: it holds what may not be public';
  }
  if (problems.every(({ code }) => code === 'ARCHIVE_ALTERED')) {
    return 'ALTERED: bytes were changed since it was made; its contents are sound';
  }
  if (problems.some(({ code }) => code === 'FORMAT_NEWER')) {
    return 'UNKNOWN: this version of the package cannot judge it';
  }
  // Another program may well read what is inside.
  if (entries === 0) return 'DAMAGED: take another copy; nothing in it could be checked';
  if (kind === null) return 'DAMAGED: take another copy; nothing more can be said of this one';
  return problems.length > namedAtMost
    ? 'DAMAGED: take another copy; more is wrong than is named above: see --json'
    : 'DAMAGED: take another copy; what is not named above is sound';
}
