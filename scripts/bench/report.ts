/** What was measured, as Markdown. MB are 10^6 bytes. */

import { cpus, loadavg, release, totalmem, type } from 'node:os';

import { count, size } from '../cli/format.js';
import type { Waits } from './beside.js';
import type { Data } from './data.js';
import { photoSide } from './gallery.js';
import type { Result } from './measure.js';
import { latency, newOneIn, type Remote, transfers } from './remote.js';
import { seed, type SizeName } from './sizes.js';

export interface Measured {
  readonly name: SizeName;
  readonly data: Data;
  readonly results: readonly Result[];
  /** Of the same data's public dump, rows only. */
  readonly dumps: readonly Result[];
}

/** A race over large photos. */
export interface Gallery {
  readonly data: Data;
  readonly results: readonly Result[];
}

export interface Circumstances {
  readonly date: Date;
  readonly rounds: number;
  readonly load: number | undefined;
  readonly commandLine: string;
  readonly absent: readonly string[];
  /** Peak of a Node process that does nothing. */
  readonly bareNode: number | undefined;
}

/** The machine's load average of the last minute, where it has one. */
export function currentLoad(): number | undefined {
  return process.platform === 'win32' ? undefined : loadavg()[0];
}

export function report(
  measured: readonly Measured[],
  gallery: Gallery,
  waits: readonly Waits[],
  remote: Remote,
  about: Circumstances,
): string {
  const parts = [
    '# Benchmarks',
    `Written by \`${about.commandLine}\` on ${about.date.toISOString().slice(0, 10)}; run it to measure your machine.`,
    conditions(about),
    ...measured.map(section),
    comparison(measured),
    growth(measured),
    dumps(measured),
    thumbnails(gallery),
    besideDump(waits),
    photosByS3(remote),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function conditions({ rounds, load, absent, bareNode }: Circumstances): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown CPU';
  const busy = load === undefined ? '' : `, load average ${load.toFixed(1)} when it began`;
  return [
    `- Machine: ${processors.length} cores (${model}), ${size(totalmem())} of memory, ${type()} ${release()}, Node ${process.version}${busy}.`,
    `- Data: made up from seed ${seed}; the rows of a platform database in one SQLite file, and photos that do not compress.`,
    `- Task: one ZIP with the whole database as SQL, deflated, and every photo, stored. Each run is a process of its own; input in the page cache, output to the same disk, deleted afterwards.`,
    `- Numbers: median of ${rounds} rounds in which all take turns. MB/s is input (database file and photos) by wall time. CPU is user and system time.`,
    `- Peak memory: \`VmHWM\` of \`/proc\`, by Node processes at their end, of the shell's processes looked at every 10 ms and added up over those alive at once. (Without \`/proc\`: what getrusage says, and nothing for the shell.) A Node process that does nothing has ${memory(bareNode)}.`,
    `- This package also lists a SHA-256 of every photo, reads the finished archive back and flushes it to disk; with drill, its default, it loads its own SQL into a second database and compares that with the source. The others do none of this.`,
    ...absent.map((line) => `- ${line}.`),
  ].join('\n');
}

function section({ name, data, results }: Measured): string {
  const input = data.databaseBytes + data.photoBytes;
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${count(data.artworks)} artworks`;
  const contents = `${size(data.databaseBytes)} of database with ${count(data.rows)} rows, ${count(data.photos)} photos of ${size(data.photoBytes)}`;
  const rows = results.map(({ competitor, seconds, cpuSeconds, peakBytes, archiveBytes }) => [
    competitor.label,
    `${seconds.toFixed(2)} s`,
    `${cpuSeconds.toFixed(2)} s`,
    memory(peakBytes),
    megabytes(archiveBytes),
    (input / seconds / 1e6).toFixed(0),
  ]);
  const heads = ['', 'wall', 'CPU', 'peak memory', 'archive', 'MB/s'];
  return `## ${title}\n\n${contents}.\n\n${table(heads, rows)}`;
}

/** What the others take, divided by what this package takes. */
function comparison(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ name, results }) => {
    const ours = results.filter(({ competitor }) => competitor.own);
    const others = results.filter(({ competitor }) => !competitor.own);
    return others.flatMap((other) =>
      ours.map((own) => [
        name,
        short(other),
        short(own),
        ratio(other.seconds, own.seconds),
        ratio(other.cpuSeconds, own.cpuSeconds),
        ratio(other.peakBytes, own.peakBytes),
        ratio(other.archiveBytes, own.archiveBytes),
      ]),
    );
  });
  const heads = ['', 'what', 'divided by', 'wall', 'CPU', 'peak memory', 'archive'];
  return `## Compared\n\nAbove 1 the other takes more than this package.\n\n${table(heads, rows, 3)}`;
}

function growth(measured: readonly Measured[]): string {
  const [before, last] = measured.slice(-2);
  if (before === undefined || last === undefined) return '';
  const sizes = measured.map(({ data }) => count(data.artworks));
  const step = `${count(before.data.artworks)} → ${count(last.data.artworks)}`;
  const rows = last.results.map((result, n) => {
    const all = measured.map(({ results }) => results[n]);
    return [
      short(result),
      ...all.map((one) => `${one?.seconds.toFixed(2) ?? '–'} s`),
      ratio(result.seconds, before.results[n]?.seconds),
      ...all.map((one) => memory(one?.peakBytes)),
      ratio(result.peakBytes, before.results[n]?.peakBytes),
    ];
  });
  const heads = [
    'artworks',
    ...sizes.map((artworks) => `wall ${artworks}`),
    `wall ${step}`,
    ...sizes.map((artworks) => `peak ${artworks}`),
    `peak ${step}`,
  ];
  return `## Growth\n\n${table(heads, rows)}`;
}

/** Rows of the public dump, in all sizes. */
function dumps(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ name, dumps: results }) =>
    results.map((result) => dumpRow(name, result, results)),
  );
  const heads = ['', '', 'wall', 'CPU', 'peak memory', 'archive', 'wall ÷ this package'];
  return [
    '## Data dump: rows',
    'Approved works, their creators, links and tags as JSON. This package also takes out every known identifier of a person, describes the data, and searches the finished archive for those identifiers again. The other does none of this.',
    table(heads, rows, 2),
  ].join('\n\n');
}

/** Thumbnails of photos from a phone. */
function thumbnails({ data, results }: Gallery): string {
  const rows = results.map((result) => [
    ...dumpRow(count(data.photos), result, results),
    (data.photos / result.seconds).toFixed(1),
  ]);
  const heads = [
    'photos',
    '',
    'wall',
    'CPU',
    'peak memory',
    'archive',
    'wall ÷ this package',
    'per second',
  ];
  return [
    '## Data dump: thumbnails',
    `${count(data.photos)} works with a JPEG of ${photoSide.width} × ${photoSide.height} pixels each, ${size(data.photoBytes)}; thumbnails of 800 pixels, quality 80. This package also parses each one again to prove that it holds nothing but pixels.`,
    table(heads, rows, 2),
  ].join('\n\n');
}

/** What an admin notices of a dump that is being made. */
function besideDump(waits: readonly Waits[]): string {
  const ms = (wait: number): string => `${wait.toFixed(1)} ms`;
  const rows = waits.map(({ label, requests, median, p99, longest }) => [
    label,
    count(requests),
    ms(median),
    ms(p99),
    ms(longest),
  ]);
  return [
    '## Admin service: the list beside a dump',
    'One request for the list of a folder of dumps every 10 ms, each as one of 100 admins, timed from when it was due; service, addon and client share the cores.',
    table(['beside', 'requests', 'median', 'p99', 'longest'], rows),
  ].join('\n\n');
}

/** A bucket's photos, and what an earlier backup of them saves. */
function photosByS3({ data, copied, reused, absent }: Remote): string {
  const what = `${count(data.photos)} photos of ${size(data.photoBytes)}`;
  const row = (from: string, all: readonly Result[]) => (result: Result) =>
    dumpRow(from, result, all);
  const rows = [
    ...copied.map(row('loopback', copied)),
    ...reused.map(row(`${latency} ms latency`, reused.slice(0, 1))),
  ];
  const heads = ['', '', 'wall', 'CPU', 'peak memory', 'archive', 'wall ÷ this package'];
  return [
    '## Photos by S3',
    `${what} in a store on the same machine, ${transfers} requests at a time; all check the MD5 of each. The second store begins each answer after ${latency} ms, as one far away; the line has no other bound. There the first of the two has an earlier backup in which one photo in ${newOneIn} is missing.`,
    ...absent.map((line) => `- ${line}.`),
    table(heads, rows, 2),
  ].join('\n\n');
}

function dumpRow(name: string, result: Result, all: readonly Result[]): string[] {
  const own = all.find(({ competitor }) => competitor.own);
  return [
    name,
    result.competitor.label,
    `${result.seconds.toFixed(2)} s`,
    `${result.cpuSeconds.toFixed(2)} s`,
    memory(result.peakBytes),
    megabytes(result.archiveBytes),
    ratio(result.seconds, own?.seconds),
  ];
}

/** `Node`, `shell`, and this package's in full. */
function short({ competitor: { label } }: Result): string {
  return label.split(':')[0] ?? label;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function memory(bytes: number | undefined): string {
  return bytes === undefined ? '–' : `${(bytes / 1e6).toFixed(0)} MB`;
}

function ratio(theirs: number | undefined, ours: number | undefined): string {
  return theirs === undefined || ours === undefined ? '–' : `${(theirs / ours).toFixed(2)} ×`;
}

/** Numbers stand to the right; before them come `words` columns of text. */
function table(heads: readonly string[], rows: readonly (readonly string[])[], words = 1): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = heads.map((_, column) => (column < words ? '---' : '---:'));
  return [line(heads), line(rule), ...rows.map(line)].join('\n');
}
