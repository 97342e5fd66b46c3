/** The command `backup`: flags in, an exit code out. */

import { Command } from 'commander';

import { type BackupOptions, createBackup, previewBackup } from '../../index.js';
import type { ExitCode } from './errors.js';
import { addArchiveFlags, type ArchiveFlags, archiveOptions, choice } from './flags.js';
import { dryRun, make } from './make.js';
import { addSourceFlags, type SourceFlags, sourcesOf } from './sources.js';
import { summarise, summarisePreview } from './summary.js';
import type { Terminal } from './terminal.js';

/** Flags as commander hands them over. */
interface Flags extends SourceFlags, ArchiveFlags {
  photoScope?: 'approved' | 'all';
  onPhotoError?: 'record' | 'fail';
  reuseFrom?: string;
  drill: boolean;
}

export function backupCommand(): Command {
  const command = new Command('backup').description(
    'make one private ZIP of the database and the photos, and prove that it restores',
  );
  addSourceFlags(command);
  return addArchiveFlags(command, '$BACKUP_OUTPUT_DIR or ./backups/')
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
    .option('--no-drill', 'do not load the archive back before it gets its name');
}

/** Makes the backup that `command` was parsed for. */
export async function runBackup(
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const flags = command.opts<Flags>();
  const { name, settings, ...sources } = sourcesOf(flags, process.env);
  const what = 'backup';
  if (flags.dryRun) {
    return dryRun(
      { what, name },
      () => previewBackup({ ...optionsOf(flags), ...sources, signal }),
      (preview) => summarisePreview(preview, sources),
      terminal,
    );
  }
  const outputDir = flags.outputDir ?? settings.get('BACKUP_OUTPUT_DIR') ?? './backups/';
  return make(
    { what, name, outputDir, signal },
    (options) => createBackup({ ...optionsOf(flags), ...sources, ...options }),
    summarise,
    terminal,
  );
}

function optionsOf(flags: Flags): Omit<BackupOptions, 'database' | 'photos'> {
  return {
    ...archiveOptions(flags),
    photoScope: flags.photoScope,
    onPhotoError: flags.onPhotoError,
    reuseFrom: flags.reuseFrom,
    drill: flags.drill,
  };
}
