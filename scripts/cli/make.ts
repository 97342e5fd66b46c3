/** The story of a command that makes an archive, or says what it would make: from the first line to the exit code. */

import type { BackupPreview, DataDumpPreview, Progress, Warning } from '../../index.js';
import { exitCode, type ExitCode, exitCodeOf } from './errors.js';
import { makeFolder } from './output.js';
import type { Terminal } from './terminal.js';

/** What is made, and from what. */
export interface Job {
  /** In words: `backup`. */
  readonly what: string;
  /** Which database, for people. */
  readonly name: string;
  readonly outputDir: string;
  readonly signal: AbortSignal;
}

/** What the two kinds of archives have in common. */
export interface Made {
  readonly path?: string;
  readonly complete: boolean;
  readonly warnings: readonly Warning[];
}

/** Options that every job has. */
export interface Watched {
  readonly outputDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export async function make<Result extends Made>(
  { what, name, outputDir, signal }: Job,
  start: (options: Watched) => Promise<Result>,
  summarise: (result: Result) => string[],
  terminal: Terminal,
): Promise<ExitCode> {
  const title = `${what.charAt(0).toUpperCase()}${what.slice(1)} of ${name}`;
  terminal.say(title);
  const folder = await makeFolder(outputDir);
  try {
    const result = await start({
      outputDir,
      signal,
      onProgress: (progress) => {
        terminal.progress(progress);
      },
    });
    terminal.close();
    terminal.result(result, result.path);
    summarise(result).forEach((line) => {
      terminal.say(line);
    });
    terminal.say(
      `${result.complete ? 'Complete' : 'INCOMPLETE: photos are missing'}: ${what} of ${name}`,
    );
    return result.complete ? exitCode.complete : exitCode.incomplete;
  } catch (error) {
    terminal.close();
    await folder?.undo().catch(() => undefined);
    terminal.error(error);
    const code = exitCodeOf(error);
    terminal.say(
      `${code === exitCode.interrupted ? 'Interrupted' : 'Failed'}: no ${what} of ${name} was made`,
    );
    return code;
  }
}

/** Says what an archive would hold. */
export async function dryRun<Preview extends BackupPreview | DataDumpPreview>(
  { what, name }: Pick<Job, 'what' | 'name'>,
  look: () => Promise<Preview>,
  summarise: (preview: Preview) => string[],
  terminal: Terminal,
): Promise<ExitCode> {
  terminal.say(`Dry run: ${what} of ${name}`);
  try {
    const preview = await look();
    terminal.result({ dryRun: true, ...preview });
    summarise(preview).forEach((line) => {
      terminal.say(line);
    });
    terminal.say(`Nothing was made: dry run of ${name}`);
    return exitCode.complete;
  } catch (error) {
    terminal.error(error);
    return exitCodeOf(error);
  }
}
