/** The command `data-dump`: flags in, an exit code out. */

import { Command } from 'commander';

import { createDataDump, type DataDumpOptions, previewDataDump } from '../../index.js';
import type { ExitCode } from './errors.js';
import { addArchiveFlags, type ArchiveFlags, archiveOptions, choice, number } from './flags.js';
import { dryRun, make } from './make.js';
import { addSourceFlags, type SourceFlags, sourcesOf } from './sources.js';
import { summariseDump, summariseDumpPreview } from './summary.js';
import type { Terminal } from './terminal.js';

/** Flags as commander hands them over. */
interface Flags extends SourceFlags, ArchiveFlags {
  maxArchiveBytes?: number;
  sourceName?: string;
  sourceUrl?: string;
  sourceContact?: string;
  thumbnails: boolean;
  thumbnailSize?: number;
  extraBlacklist?: string[];
  includeFields?: string[];
  foreignLicenses?: 'exclude' | 'separate';
  onLeak?: 'redact' | 'fail';
  previous?: string;
  allowShrink?: true;
}

export function dataDumpCommand(): Command {
  const command = new Command('data-dump').description(
    'make one public ZIP (CC0) of approved artworks, creators, tags and thumbnails, and of nothing about anybody',
  );
  addSourceFlags(command);
  return addArchiveFlags(command, '$DUMP_OUTPUT_DIR or ./data-dumps/')
    .option('--max-archive-bytes <n>', 'fail when the archive would be larger', number)
    .option('--source-name <name>', 'who publishes (default: Cultural Archiver)')
    .option(
      '--source-url <url>',
      'the site of whoever publishes; records link to their pages there',
    )
    .option('--source-contact <text>', 'whom to write to')
    .option('--no-thumbnails', 'the rows alone')
    .option('--thumbnail-size <n>', 'longest side in pixels, 64 to 2048 (default: 800)', number)
    .option('--extra-blacklist <names...>', 'more field names that never leave, at any depth')
    .option(
      '--include-fields <columns...>',
      'table.column of unknown columns that are to be published',
    )
    .addOption(
      choice('--foreign-licenses <what>', 'works under another licence (default: exclude)', [
        'exclude',
        'separate',
      ]),
    )
    .addOption(
      choice('--on-leak <what>', 'an identifier in a text (default: redact)', ['redact', 'fail']),
    )
    .option('--previous <file>', 'an earlier dump: what changed, and whether too much is gone')
    .option('--allow-shrink', 'make the dump even when far fewer records are left');
}

/** Makes the dump that `command` was parsed for. */
export async function runDataDump(
  command: Command,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<ExitCode> {
  const flags = command.opts<Flags>();
  const { name, settings, ...sources } = sourcesOf(flags, process.env);
  const what = 'data dump';
  if (flags.dryRun) {
    return dryRun(
      { what, name },
      () => previewDataDump({ ...optionsOf(flags), ...sources, signal }),
      (preview) => summariseDumpPreview(preview, sources),
      terminal,
    );
  }
  const outputDir = flags.outputDir ?? settings.get('DUMP_OUTPUT_DIR') ?? './data-dumps/';
  return make(
    { what, name, outputDir, signal },
    (options) => createDataDump({ ...optionsOf(flags), ...sources, ...options }),
    summariseDump,
    terminal,
  );
}

function optionsOf(flags: Flags): Omit<DataDumpOptions, 'database' | 'photos'> {
  return {
    ...archiveOptions(flags),
    maxArchiveBytes: flags.maxArchiveBytes,
    source: {
      name: flags.sourceName,
      url: flags.sourceUrl,
      contact: flags.sourceContact,
    },
    thumbnails: flags.thumbnails ? 'make' : 'none',
    thumbnailSize: flags.thumbnailSize,
    extraBlacklist: flags.extraBlacklist,
    includeFields: flags.includeFields,
    foreignLicenses: flags.foreignLicenses,
    onLeak: flags.onLeak,
    previous: flags.previous,
    allowShrink: flags.allowShrink,
  };
}
