/** The command `backup`: flags in, an exit code out. */

import { Command, InvalidArgumentError, Option } from 'commander';

import { type BackupOptions, createBackup, previewBackup } from '../../index.js';
import { Settings } from './configuration.js';
import { exitCode, type ExitCode, exitCodeOf } from './errors.js';
import { makeFolder } from './output.js';
import { addSourceFlags, type SourceFlags, sourcesOf } from './sources.js';
import { summarise, summarisePreview } from './summary.js';
import type { Terminal } from './terminal.js';

/** Flags as commander hands them over. */
interface Flags extends SourceFlags {
  outputDir?: string;
  force?: true;
  now?: string;
  concurrency?: number;
  compressionLevel?: number;
  photoScope?: 'approved' | 'all';
  onPhotoError?: 'record' | 'fail';
  reuseFrom?: string;
  drill: boolean;
  dryRun?: true;
}

export function backupCommand(): Command {
  const command = new Command('backup').description(
    'make one private ZIP of the database and the photos, and prove that it restores',
  );
  return addSourceFlags(command)
    .option(
      '--output-dir <dir>',
      'where the archive goes (default: $BACKUP_OUTPUT_DIR or ./backups/)',
    )
    .option('--force', 'replace an archive of the same name')
    .option(
      '--now <time>',
      'the instant that names and dates the archive, like 2026-01-02T03:04:05Z',
    )
    .option('--concurrency <n>', 'photo requests in flight, 1 to 64 (default: 8)', number)
    .option('--compression-level <n>', 'deflate level of text, 0 to 9 (default: 5)', number)
    .addOption(
      choice('--photo-scope <scope>', 'which photos (default: approved)', ['approved', 'all']),
    )
    .addOption(
      choice('--on-photo-error <what>', 'a photo that cannot be copied (default: record)', [
        'record',
        'fail',
      ]),
    )
    .option('--reuse-from <file>', 'an earlier backup whose unchanged photos are taken over')
    .option('--no-drill', 'do not load the archive back before it gets its name')
    .option('--dry-run', 'say what would be read from where, and make nothing')
    .addOption(new Option('--json', 'one JSON object per line on stdout').conflicts('quiet'))
    .option('--quiet', 'only the path of the archive on stdout');
}

/** Makes the backup that `command` was parsed for. */
export async function runBackup(
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const flags = command.opts<Flags>();
  const { name, ...sources } = sourcesOf(flags, process.env);
  if (flags.dryRun) return preview({ ...optionsOf(flags), ...sources, signal }, name, terminal);
  const outputDir =
    flags.outputDir ?? new Settings(process.env).get('BACKUP_OUTPUT_DIR') ?? './backups/';

  terminal.say(`Backup of ${name}`);
  const folder = await makeFolder(outputDir);
  try {
    const result = await createBackup({
      ...optionsOf(flags),
      ...sources,
      outputDir,
      signal,
      onProgress: (progress) => {
        terminal.progress(progress);
      },
    });
    terminal.close();
    terminal.result(result);
    summarise(result).forEach((line) => {
      terminal.say(line);
    });
    terminal.say(
      `${result.complete ? 'Complete' : 'INCOMPLETE: photos are missing'}: backup of ${name}`,
    );
    return result.complete ? exitCode.complete : exitCode.incomplete;
  } catch (error) {
    terminal.close();
    await folder?.undo().catch(() => undefined);
    terminal.error(error);
    const code = exitCodeOf(error);
    terminal.say(
      `${code === exitCode.interrupted ? 'Interrupted' : 'Failed'}: no backup of ${name} was made`,
    );
    return code;
  }
}

/** Says what a backup would hold. */
async function preview(
  options: BackupOptions,
  name: string,
  terminal: Terminal,
): Promise<ExitCode> {
  terminal.say(`Dry run: backup of ${name}`);
  try {
    const found = await previewBackup(options);
    terminal.preview(found);
    summarisePreview(found).forEach((line) => {
      terminal.say(line);
    });
    terminal.say(`Nothing was made: dry run of ${name}`);
    return exitCode.complete;
  } catch (error) {
    terminal.error(error);
    return exitCodeOf(error);
  }
}

function optionsOf(flags: Flags): Omit<BackupOptions, 'database' | 'photos'> {
  return {
    overwrite: flags.force,
    now: flags.now,
    concurrency: flags.concurrency,
    compressionLevel: flags.compressionLevel,
    photoScope: flags.photoScope,
    onPhotoError: flags.onPhotoError,
    reuseFrom: flags.reuseFrom,
    drill: flags.drill,
  };
}

function choice(flags: string, description: string, choices: string[]): Option {
  return new Option(flags, description).choices(choices);
}

/** Bounds are the library's business; that it is a number at all is ours. */
function number(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError('It takes a number.');
  return value;
}
