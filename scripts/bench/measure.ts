/** The race over one data set: competitors take turns, so that a slow minute of the machine hits all of them. */

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Children } from './children.js';
import type { Competitor } from './competitors.js';
import type { Data } from './data.js';
import type { Usage } from './usage.js';

export interface Run extends Usage {
  readonly seconds: number;
  readonly archiveBytes: number;
}

/** Medians over all rounds. */
export interface Result extends Run {
  readonly competitor: Competitor;
}

/** @param least What an archive takes that has lost nothing, in bytes. */
export async function race(
  { data, least }: { readonly data: Data; readonly least: number },
  competitors: readonly Competitor[],
  rounds: number,
  children: Children,
  say: (line: string) => void,
): Promise<Result[]> {
  const runs = new Map<Competitor, Run[]>(competitors.map((competitor) => [competitor, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const competitor of shuffled(competitors)) {
      say(`  round ${round + 1} of ${rounds}: ${competitor.label}`);
      const run = await once(competitor, data, least, children);
      runs.get(competitor)?.push(run);
      say(`    ${run.seconds.toFixed(2)} s`);
    }
  }
  return [...runs].map(([competitor, all]) => ({ competitor, ...medians(all) }));
}

/** In an order of its own for each round, so that none always has the same one before it. */
function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

async function once(
  competitor: Competitor,
  data: Data,
  least: number,
  children: Children,
): Promise<Run> {
  const output = await mkdtemp(join(data.folder, 'output-'));
  try {
    const { program, args, ...options } = competitor.command(data, output);
    const finished = await children.run(program, args, options);
    const archiveBytes = await archiveIn(output);
    if (archiveBytes < least) {
      throw new Error(`the archive of "${competitor.label}" is too small to hold everything`);
    }
    return { seconds: finished.seconds, archiveBytes, ...competitor.usage(finished) };
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

async function archiveIn(folder: string): Promise<number> {
  const [name, ...more] = (await readdir(folder)).filter((entry) => entry.endsWith('.zip'));
  if (name === undefined || more.length > 0) throw new Error(`no single archive in ${folder}`);
  return (await stat(join(folder, name))).size;
}

function medians(runs: readonly Run[]): Run {
  const peaks = runs.flatMap(({ peakBytes }) => peakBytes ?? []);
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    cpuSeconds: median(runs.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: peaks.length === 0 ? undefined : median(peaks),
    archiveBytes: median(runs.map(({ archiveBytes }) => archiveBytes)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}
