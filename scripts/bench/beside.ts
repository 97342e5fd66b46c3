/**
 * How long an admin waits for the list of dumps while the service makes one: the real service, with the addon, in a
 * process of its own. One request goes out every ten milliseconds, whether or not the last one was answered, each as
 * one of a hundred admins, and its time counts from when it was due.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// The service's, as it is built: the same from scripts/bench and from dist/bench.
import { defaultAudience, headerNames, sign } from '../../dist/admin/signature.js';
import type { Data } from './data.js';

/** Milliseconds. */
export interface Waits {
  readonly label: string;
  readonly requests: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

const every = 10;
/** Milliseconds for which it is watched with nothing to do. */
const idle = 3_000;
/** Dumps that are made: more requests, so that the slowest hundredth is more than a few. */
const dumps = 3;
const admins = 100;
const program = fileURLToPath(new URL('../../dist/admin/main.js', import.meta.url));
const api = '/api/admin';

interface Answer {
  readonly data: { readonly job_id: string; readonly state: string };
}

/** Waits while the service is idle, while it reads rows, and while it makes thumbnails. */
export async function waitBeside(
  rows: Data,
  gallery: Data,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Waits[]> {
  say('beside a dump: the list, asked for every 10 ms');
  const photos = { SOURCE_PHOTOS_DIR: gallery.photosFolder };
  const waits = [
    ...(await beside(rows, 'a dump of rows', {}, idle, signal)),
    ...(await beside(gallery, 'a dump of thumbnails', photos, 0, signal)),
  ];
  for (const { label, p99 } of waits) say(`  ${label}: p99 ${p99.toFixed(0)} ms`);
  return waits;
}

async function beside(
  data: Data,
  what: string,
  photos: Readonly<Record<string, string>>,
  idleMs: number,
  signal: AbortSignal,
): Promise<Waits[]> {
  const folder = await mkdtemp(join(data.folder, 'service-'));
  const secret = randomBytes(32).toString('hex');
  const { PATH = '' } = process.env;
  const service = spawn(process.execPath, [program], {
    cwd: folder,
    signal,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH, ...environmentOf(folder, secret, data.database), ...photos },
  });
  try {
    const client = new Client(await urlOf(service), secret);
    await client.dump();
    const quiet = idleMs > 0 ? [summary('an idle service', await client.watch(sleep(idleMs)))] : [];
    const busy: number[] = [];
    for (let made = 0; made < dumps; made += 1) busy.push(...(await client.watch(client.dump())));
    return [...quiet, summary(what, busy)];
  } finally {
    const ended = once(service, 'close');
    service.kill();
    await ended.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a service is started with that keeps all of its files in `folder`. */
export function environmentOf(
  folder: string,
  secret: string,
  database: string,
): Readonly<Record<string, string>> {
  return {
    // Any free port, with addresses that name none: nobody opens them.
    ADMIN_PORT: '0',
    ADMIN_ORIGINS: 'http://localhost:0',
    DUMPS_PUBLIC_URL: 'http://localhost:0',
    ADMIN_FORWARD_SECRET: secret,
    ADMIN_STATE_DIR: join(folder, 'state'),
    BACKUP_OUTPUT_DIR: join(folder, 'backups'),
    DUMPS_DIR: join(folder, 'dumps'),
    SOURCE_DATABASE_FILE: database,
  };
}

/** Where it listens; what else it says is read on and dropped. */
async function urlOf(service: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    service.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1_000);
      const url = /Admin service at (http:\S+?)\/admin\//.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    service.once('error', reject).once('close', () => {
      reject(new Error(`the admin service ended: ${said}`));
    });
  });
}

export class Client {
  constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  /** Makes and publishes a dump. */
  async dump(): Promise<void> {
    const { data } = await this.#ask('POST', `${api}/data-dump/generate`, '{"allow_shrink":true}');
    for (;;) {
      const job = await this.#ask('GET', `${api}/jobs/${data.job_id}`);
      if (job.data.state === 'succeeded') return;
      if (job.data.state !== 'running') throw new Error(`the dump ended: ${job.data.state}`);
      await sleep(100);
    }
  }

  /** Asks for the list until something is over: how long each answer took. */
  async watch(until: Promise<unknown>): Promise<number[]> {
    const waits: Promise<number>[] = [];
    let isOver = false as boolean;
    const over = awaitedLater(
      until.finally(() => {
        isOver = true;
      }),
    );
    let due = performance.now();
    while (!isOver) {
      waits.push(awaitedLater(this.#list(due)));
      due += every;
      await sleep(Math.max(0, due - performance.now()));
    }
    await over;
    return Promise.all(waits);
  }

  async #list(due: number): Promise<number> {
    await this.#ask('GET', `${api}/data-dumps?page=1&limit=20`);
    return performance.now() - due;
  }

  /** As the platform's Worker does, for one admin after the other. */
  async #ask(method: string, target: string, body = ''): Promise<Answer> {
    const timestamp = String(Date.now());
    const nonce = randomUUID();
    const admin = `admin-${String(Math.floor(Math.random() * admins))}`;
    const signed = { method, target, body: Buffer.from(body), timestamp, nonce, admin };
    const response = await fetch(this.url + target, {
      method,
      headers: {
        [headerNames.signature]: await sign(this.secret, { ...signed, audience: defaultAudience }),
        [headerNames.timestamp]: timestamp,
        [headerNames.nonce]: nonce,
        [headerNames.admin]: admin,
        ...(body === '' ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === '' ? {} : { body }),
    });
    if (!response.ok) throw new Error(`${target} answered ${String(response.status)}`);
    return (await response.json()) as Answer;
  }
}

/** A promise whose failure is told where it is awaited: until then Node would end the process for it. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function summary(label: string, waits: readonly number[]): Waits {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { label, requests: sorted.length, median: at(0.5), p99: at(0.99), longest: at(1) };
}
