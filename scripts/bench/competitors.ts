/** Who takes part in which race: in each, all make one ZIP of the same kind. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Children, Finished, RunOptions } from './children.js';
import type { Data } from './data.js';
import { versionOf } from './peers.js';
import { parseTimes, parseUsage, type Usage } from './usage.js';

export interface Competitor {
  readonly label: string;
  /** Whether it is this package, to which the others are compared. */
  readonly own: boolean;
  command(data: Data, output: string): Command;
  usage(finished: Finished): Usage;
}

export interface Command extends RunOptions {
  readonly program: string;
  readonly args: readonly string[];
}

export interface Field {
  readonly competitors: readonly Competitor[];
  /** Who could not take part, and why. */
  readonly absent: readonly string[];
}

/** `.dump` and two calls of `zip`; `-g` spares it from copying the archive when the photos come in. */
const pipeline = `set -e
sqlite3 "$1" .dump > "$3/database.sql"
zip -6 -q -j "$3/archive.zip" "$3/database.sql"
cd "$2/.."
find photos -type f | zip -0 -q -g -@ "$3/archive.zip"
times`;

/** The whole database as SQL and every photo, deflated and stored. */
export function gather(): Field {
  const sqlite = toolVersion('sqlite3', ['--version'], /^\S+/);
  const zip = toolVersion('zip', ['-v'], /Zip \d+\.\d+/);
  const node = `Node: ${versionOf('better-sqlite3')}, ${versionOf('archiver')} level 6`;
  const own = [
    script('this package, without drill', 'package.js', true, ['no-drill']),
    script('this package, with drill', 'package.js', true, ['drill']),
  ];
  const other = script(node, 'node.js', false);
  if (sqlite !== undefined && zip !== undefined) {
    return { competitors: [...own, shell(sqlite, zip), other], absent: [] };
  }
  const missing = [
    sqlite === undefined ? ['sqlite3'] : [],
    zip === undefined ? ['zip'] : [],
  ].flat();
  return {
    competitors: [...own, other],
    absent: [`shell: left out, for ${missing.join(' and ')} cannot be run here`],
  };
}

/** A public dump of the rows, or of few rows and the thumbnails of large photos. */
export function gatherDumps(what: 'rows' | 'thumbnails'): readonly Competitor[] {
  const node = [versionOf('better-sqlite3'), 'JSON', `${versionOf('archiver')} level 6`];
  if (what === 'thumbnails') node.push(versionOf('sharp'));
  return [
    script('this package', 'package-dump.js', true, [what]),
    script(`Node: ${node.join(', ')}`, 'node-dump.js', false, [what]),
  ];
}

/** What every competitor that is a Node script has at least. */
export async function bareNode(children: Children): Promise<number | undefined> {
  const program = fileURLToPath(new URL('./competitors/nothing.js', import.meta.url));
  return parseUsage((await children.run(process.execPath, [program])).stdout).peakBytes;
}

function script(
  label: string,
  name: string,
  own: boolean,
  rest: readonly string[] = [],
): Competitor {
  const path = fileURLToPath(new URL(`./competitors/${name}`, import.meta.url));
  return {
    label,
    own,
    command: ({ database, photosFolder }, output) => ({
      program: process.execPath,
      args: [path, database, photosFolder, output, ...rest],
    }),
    usage: ({ stdout }) => parseUsage(stdout),
  };
}

function shell(sqlite: string, zip: string): Competitor {
  return {
    label: `shell: sqlite3 ${sqlite} .dump, ${zip} -6, zip -0`,
    own: false,
    command: ({ database, photosFolder }, output) => ({
      program: 'sh',
      args: ['-c', pipeline, 'sh', database, photosFolder, output],
      watch: true,
    }),
    usage: ({ stdout, watchedPeak }) => ({
      cpuSeconds: parseTimes(stdout),
      peakBytes: watchedPeak,
    }),
  };
}

function toolVersion(tool: string, args: readonly string[], pattern: RegExp): string | undefined {
  if (process.platform === 'win32') return undefined;
  const { stdout, status } = spawnSync(tool, args, { encoding: 'utf8' });
  return status === 0 ? (pattern.exec(stdout)?.[0] ?? 'of unknown version') : undefined;
}
