/**
 * Where a command speaks: people read lines on stdout and a bar on stderr; with `--json` stdout holds one JSON
 * object per line and nothing else; with `--quiet` the archive's path alone. Errors always go to stderr as well.
 */

import cliProgress, { type SingleBar } from 'cli-progress';
import type { Option } from 'commander';

import type { Progress } from '../../index.js';
import { describe, UsageError } from './errors.js';
import { count, duration, shown, size } from './format.js';
import { inWordsOf } from './names.js';

export type Mode = 'human' | 'json' | 'quiet';

const phases: Record<Progress['phase'], string> = {
  snapshot: 'taking one consistent state of the database',
  database: 'writing the rows',
  photos: 'copying the photos',
  finish: 'last checks, checksums and the end of the archive',
  verify: 'reading back all that is inside',
};

export class Terminal {
  /** The flags of the command that runs. */
  flags: readonly Option[] = [];
  readonly #mode: Mode;
  readonly #bars: Bars | undefined;
  readonly #begun = new Set<Progress['phase']>();

  constructor(mode: Mode) {
    this.#mode = mode;
    this.#bars = process.stderr.isTTY && mode === 'human' ? new Bars() : undefined;
  }

  /** A line for people. */
  say(text: string): void {
    if (this.#mode === 'human') process.stdout.write(`${shown(text)}\n`);
    if (this.#mode === 'json') process.stderr.write(`${shown(text)}\n`);
  }

  progress(progress: Progress): void {
    if (this.#mode === 'json') this.#object('progress', progress);
    if (this.#bars !== undefined) {
      this.#bars.update(progress);
    } else if (!this.#begun.has(progress.phase)) {
      this.#begun.add(progress.phase);
      const least = progress.leastSeconds;
      const time = least === undefined ? '' : `, at least ${duration(least * 1000)}`;
      this.say(`  ${progress.phase.padEnd(10)}  ${phases[progress.phase]}${time}`);
    }
  }

  /** What was made or found, or would be made, for programs; `path` is that of an archive that was made. */
  result(result: object, path?: string): void {
    if (this.#mode === 'json') this.#object('summary', result);
    if (this.#mode === 'quiet' && path !== undefined) process.stdout.write(`${path}\n`);
  }

  error(error: unknown): void {
    const told = describe(error);
    const isOwn = error instanceof UsageError;
    const failure = isOwn ? told : { ...told, message: inWordsOf(this.flags, told) };
    if (this.#mode === 'json') this.#object('error', failure);
    process.stderr.write(`error: ${shown(failure.message)}\n`);
    for (const cause of failure.causes) process.stderr.write(`  because: ${shown(cause)}\n`);
    process.stderr.write(`  code: ${failure.code}\n`);
    if (process.env['DEBUG'] && error instanceof Error)
      process.stderr.write(`${error.stack ?? ''}\n`);
  }

  /** Takes the bar away. */
  close(): void {
    this.#bars?.stop();
  }

  #object(type: string, members: object): void {
    process.stdout.write(`${JSON.stringify({ type, ...members })}\n`);
  }
}

/** One bar per phase: the drill and the photos run side by side. */
class Bars {
  readonly #group = new cliProgress.MultiBar(
    {
      format: '{phase} [{bar}] {detail}',
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
    },
    cliProgress.Presets.shades_classic,
  );
  readonly #bars = new Map<Progress['phase'], SingleBar>();

  update(progress: Progress): void {
    const [value, total] =
      progress.totalBytes === undefined
        ? [progress.done, progress.total ?? 0]
        : [progress.bytes, progress.totalBytes];
    const payload = { phase: progress.phase.padEnd(8), detail: detail(progress) };
    let bar = this.#bars.get(progress.phase);
    if (bar === undefined) {
      bar = this.#group.create(total, 0, payload);
      this.#bars.set(progress.phase, bar);
    }
    bar.setTotal(total);
    bar.update(value, payload);
  }

  stop(): void {
    this.#group.stop();
  }
}

function detail({ done, total, bytes, totalBytes, item, leastSeconds }: Progress): string {
  const units = total === undefined ? count(done) : `${count(done)}/${count(total)}`;
  const written = totalBytes === undefined ? size(bytes) : `${size(bytes)} of ${size(totalBytes)}`;
  const least =
    leastSeconds === undefined ? undefined : `at least ${duration(leastSeconds * 1000)}`;
  const parts = [units, written, least, item].filter((part) => part !== undefined);
  return shown(parts.join('  '));
}
