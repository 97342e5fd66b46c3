/** Photos by S3: this package against `rclone copy` and `zip -0`, and what an earlier backup saves over a slow line. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Children } from './children.js';
import type { Competitor } from './competitors.js';
import type { Data } from './data.js';
import { race, type Result } from './measure.js';
import { parseTimes, parseUsage } from './usage.js';

export interface Remote {
  readonly data: Data;
  /** From a store on loopback. */
  readonly copied: readonly Result[];
  /** The same from one that takes its time, with and without an earlier backup. */
  readonly reused: readonly Result[];
  readonly absent: readonly string[];
}

/** Requests in flight, for everybody. */
export const transfers = 8;
/** Milliseconds before each answer of the slow store. */
export const latency = 20;
/** Every so many photos one is new since the earlier backup. */
export const newOneIn = 100;

const program = (name: string): string =>
  fileURLToPath(new URL(`./competitors/${name}.js`, import.meta.url));

/** Spares rclone a listing per folder, and a request per photo for the date that the listing tells already. */
const pipeline = `set -e
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_S_TYPE=s3 RCLONE_CONFIG_S_PROVIDER=Other RCLONE_CONFIG_S_ENDPOINT="$1" \\
  RCLONE_CONFIG_S_ACCESS_KEY_ID=any RCLONE_CONFIG_S_SECRET_ACCESS_KEY=any RCLONE_CONFIG_S_FORCE_PATH_STYLE=true
unset AWS_CA_BUNDLE
rclone copy -q --transfers "$3" --checkers "$3" --fast-list --use-server-modtime S:photos "$2/photos"
cd "$2"
find photos -type f | zip -0 -q -@ archive.zip
times`;

export async function measureRemote(
  data: Data,
  rounds: number,
  children: Children,
  say: (line: string) => void,
): Promise<Remote> {
  const work = await mkdtemp(join(data.folder, 'remote-'));
  const stores: Store[] = [];
  try {
    for (const [delay, lacking] of [
      [0, 0],
      [latency, 0],
      [0, newOneIn],
    ] as const) {
      stores.push(await Store.open(data.photosFolder, delay, lacking));
    }
    const [near, far, before] = stores.map(({ endpoint }) => endpoint);
    const script = join(work, 'no-rows.sql');
    await writeFile(script, 'CREATE TABLE artwork (id TEXT, photos TEXT, status TEXT);\n');
    const { competitors, absent } = gather(script, near ?? '');
    absent.forEach(say);
    const task = { data, least: data.photoBytes };
    say('photos by S3');
    const copied = await race(task, competitors, rounds, children, say);
    const made = join(work, 'earlier');
    await children.run(process.execPath, own(script, before ?? '', made));
    const [earlier = ''] = await readdir(made);
    const slow = [
      ours('this package, with reuseFrom', script, far ?? '', join(made, earlier)),
      ours('this package, without', script, far ?? ''),
    ];
    const reused = await race(task, slow, rounds, children, say);
    return { data, copied, reused, absent };
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await rm(work, { recursive: true, force: true });
  }
}

function gather(script: string, endpoint: string): { competitors: Competitor[]; absent: string[] } {
  const alone = ours('this package', script, endpoint);
  const missing = ['rclone', 'zip'].filter(
    (tool) => spawnSync(tool, [tool === 'zip' ? '-v' : 'version']).status !== 0,
  );
  if (missing.length > 0) {
    const names = missing.join(' and ');
    return {
      competitors: [alone],
      absent: [`rclone copy, zip -0: left out, for ${names} cannot be run here`],
    };
  }
  const version = /v[\d.]+/.exec(spawnSync('rclone', ['version'], { encoding: 'utf8' }).stdout);
  const shell: Competitor = {
    label: `shell: rclone ${version?.[0] ?? ''} copy, zip -0`,
    own: false,
    command: (_, output) => ({
      program: 'sh',
      args: ['-c', pipeline, 'sh', endpoint, output, String(transfers)],
      watch: true,
    }),
    usage: ({ stdout, watchedPeak }) => ({
      cpuSeconds: parseTimes(stdout),
      peakBytes: watchedPeak,
    }),
  };
  return { competitors: [alone, shell], absent: [] };
}

function ours(label: string, script: string, endpoint: string, earlier?: string): Competitor {
  return {
    label,
    own: true,
    command: (_, output) => ({
      program: process.execPath,
      args: own(script, endpoint, output, earlier),
    }),
    usage: ({ stdout }) => parseUsage(stdout),
  };
}

function own(script: string, endpoint: string, output: string, earlier?: string): string[] {
  const rest = earlier === undefined ? [] : [earlier];
  return [program('package-s3'), script, endpoint, output, String(transfers), ...rest];
}

/** A store in a process of its own, which ends with this one. */
class Store {
  private constructor(
    private readonly process: ChildProcess,
    readonly endpoint: string,
  ) {}

  static async open(photos: string, delay: number, lacking: number): Promise<Store> {
    const args = [program('store'), photos, String(delay), String(lacking)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const ended = once(child, 'close').then(() => {
      throw new Error('the store ended before it was ready');
    });
    const [port] = (await Promise.race([once(lines, 'line'), ended])) as [string];
    ended.catch(() => undefined);
    return new Store(child, `http://127.0.0.1:${port}`);
  }

  async close(): Promise<void> {
    // One that has died meanwhile does not end again.
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const closed = once(this.process, 'close');
    this.process.stdin?.end();
    await closed;
  }
}
