/** `npm run bench`: makes its own data, lets this package and others back it up and dump it in turn, and writes a report. */

import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { interrupted, onSignals } from '../../dist/admin/signals.js';
import { waitBeside } from './beside.js';
import { Children } from './children.js';
import { bareNode, gather, gatherDumps } from './competitors.js';
import { provide, warm } from './data.js';
import { provideGallery } from './gallery.js';
import { race } from './measure.js';
import { install } from './peers.js';
import { measureRemote } from './remote.js';
import { type Circumstances, currentLoad, type Measured, report } from './report.js';
import { isSizeName, type SizeName, sizeNames, sizes } from './sizes.js';

const usage = `npm run bench -- [--rounds N] [--sizes small,medium,large] [--data DIR] [--out FILE]
  --rounds  how often each competitor runs per size, 3 or more; default 3
  --sizes   default: all three; the large one takes 1.5 GB of disk, and 2.5 GB while it runs
  --data    folder for the made data, kept between runs; default ./bench-data
  --out     the report; default BENCHMARKS.md`;

interface Options {
  readonly rounds: number;
  readonly chosen: readonly SizeName[];
  readonly data: string;
  readonly out: string;
}

class UsageError extends Error {}

const interrupt = new AbortController();
onSignals(() => {
  interrupt.abort();
});
try {
  await main(readOptions());
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  say(interrupt.signal.aborted ? 'interrupted' : `error: ${message}`);
  if (isUsage(error)) say(usage);
  process.exitCode = interrupt.signal.aborted ? interrupted : isUsage(error) ? 2 : 1;
}

async function main({ rounds, chosen, data: base, out }: Options): Promise<void> {
  const children = new Children(interrupt.signal);
  await install(children, say);
  const { competitors, absent } = gather();
  absent.forEach(say);
  const about: Circumstances = {
    date: new Date(),
    rounds,
    // Taken now, before the benchmark itself keeps the machine busy.
    load: currentLoad(),
    commandLine: commandLine(),
    absent,
    bareNode: await bareNode(children),
  };

  await mkdir(base, { recursive: true });
  const measured: Measured[] = [];
  for (const name of chosen) {
    const data = await provide(base, sizes[name], children, say);
    say(`${name}: ${data.folder}`);
    await warm(data, interrupt.signal);
    // Photos are stored, not deflated: who makes less has lost some.
    const backup = { data, least: data.photoBytes };
    const results = await race(backup, competitors, rounds, children, say);
    // The rows of a work take more than this, deflated.
    const dump = { data, least: data.artworks * 50 };
    const dumps = await race(dump, gatherDumps('rows'), rounds, children, say);
    measured.push({ name, data, results, dumps });
  }
  const gallery = await provideGallery(base, children, say);
  say(`gallery: ${gallery.folder}`);
  await warm(gallery, interrupt.signal);
  // A thumbnail of a detailed photo takes more than this.
  const thumbnails = { data: gallery, least: gallery.photos * 10_000 };
  const competing = gatherDumps('thumbnails');
  const results = await race(thumbnails, competing, rounds, children, say);
  const largest = measured.at(-1)?.data ?? gallery;
  const waits = await waitBeside(largest, gallery, interrupt.signal, say);
  const remote = await measureRemote(largest, rounds, children, say);
  const text = report(measured, { data: gallery, results }, waits, remote, about);
  await writeFile(out, text);
  process.stdout.write(text);
  say(`written to ${out}`);
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      sizes: { type: 'string', default: sizeNames.join(',') },
      data: { type: 'string', default: 'bench-data' },
      out: { type: 'string', default: 'BENCHMARKS.md' },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 3) {
    throw new UsageError(`--rounds must be a whole number from 3 up, not ${values.rounds}`);
  }
  const named = values.sizes.split(',');
  const unknown = named.find((name) => !isSizeName(name));
  if (unknown !== undefined) throw new UsageError(`--sizes does not know ${unknown}`);
  // In ascending order, whatever the order on the command line: growth is read from left to right.
  const chosen = sizeNames.filter((name) => named.includes(name));
  return { rounds, chosen, data: resolve(values.data), out: resolve(values.out) };
}

function isUsage(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  // Not every error's code is text: that of an interruption is a number.
  return String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}

function commandLine(): string {
  const flags = process.argv.slice(2);
  return ['npm run bench', ...(flags.length === 0 ? [] : ['--', ...flags])].join(' ');
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
