/** Flags that every command has which makes an archive, and how flags are read. */

import { type Command, InvalidArgumentError, Option } from 'commander';

/** Flags as commander hands them over. */
export interface ArchiveFlags {
  outputDir?: string;
  force?: true;
  now?: string;
  concurrency?: number;
  compressionLevel?: number;
  dryRun?: true;
}

/** Adds the flags to a command. */
export function addArchiveFlags(command: Command, defaultFolder: string): Command {
  command
    .option('--output-dir <dir>', `where the archive goes (default: ${defaultFolder})`)
    .option('--force', 'replace an archive of the same name')
    .option(
      '--now <time>',
      'the instant that names and dates the archive, like 2026-01-02T03:04:05Z',
    )
    .option('--concurrency <n>', 'photo requests in flight, 1 to 64 (default: 8)', number)
    .option('--compression-level <n>', 'deflate level of text, 0 to 9 (default: 5)', number)
    .option('--dry-run', 'say what would be read from where, and make nothing');
  return addOutputFlags(command, 'only the path of the archive on stdout');
}

/** Adds the flags for programs; `quiet` is what `--quiet` leaves. */
export function addOutputFlags(command: Command, quiet: string): Command {
  return command
    .addOption(new Option('--json', 'one JSON object per line on stdout').conflicts('quiet'))
    .option('--quiet', quiet);
}

/** What the library calls them. */
export function archiveOptions(flags: ArchiveFlags): {
  overwrite: boolean | undefined;
  now: string | undefined;
  concurrency: number | undefined;
  compressionLevel: number | undefined;
} {
  return {
    overwrite: flags.force,
    now: flags.now,
    concurrency: flags.concurrency,
    compressionLevel: flags.compressionLevel,
  };
}

/** A flag that takes one of some words. */
export function choice(flags: string, description: string, choices: string[]): Option {
  return new Option(flags, description).choices(choices);
}

/** Bounds are the library's business; that it is a number at all is ours. */
export function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError('It takes a number.');
  return value;
}
