/** The API as an admin's program uses it. */

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Service } from './service';

export interface Job {
  readonly job_id: string;
  readonly kind: string;
  readonly state: string;
  readonly created_at: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly progress: { readonly phase: string; readonly bytes: number } | null;
  readonly result: Record<string, unknown> | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly publishable: boolean;
}

export interface Dump {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly generated_at: string;
  readonly complete: boolean;
  readonly download_url: string;
  readonly metadata: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

export interface DumpPage {
  readonly dumps: readonly Dump[];
  readonly replaced: readonly (Dump & { readonly goes_at: string })[];
  readonly total: number;
  readonly has_more: boolean;
}

export interface Answer<T> {
  readonly status: number;
  readonly data: T;
  readonly error?: string;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

export class Client {
  constructor(
    readonly service: Service,
    private readonly token: string,
  ) {}

  async ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.service.url}/api/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    return { ...((await response.json()) as Answer<T>), status, headers: response.headers };
  }

  generate(body: object = {}, wait = 0): Promise<Answer<{ job_id: string }>> {
    const headers = wait > 0 ? { prefer: `wait=${wait}` } : {};
    return this.ask('POST', 'data-dump/generate', body, headers);
  }

  /** Starts a dump and waits until its job is over. */
  async make(body: object = {}): Promise<Job> {
    const started = await this.generate(body);
    if (started.status !== 202) throw new Error(`${started.status} ${String(started.error)}`);
    return this.over(started.data.job_id);
  }

  async job(id: string): Promise<Job> {
    return (await this.ask<Job>('GET', `jobs/${id}`)).data;
  }

  over(id: string): Promise<Job> {
    return this.until(id, ({ state }) => state !== 'running');
  }

  async until(id: string, isSo: (job: Job) => boolean): Promise<Job> {
    for (let pause = 10; ; pause = Math.min(2 * pause, 100)) {
      const job = await this.job(id);
      if (isSo(job)) return job;
      if (job.state !== 'running') throw new Error(`ended: ${JSON.stringify(job)}`);
      await sleep(pause);
    }
  }

  async dumps(query = ''): Promise<DumpPage> {
    const answer = await this.ask<DumpPage>('GET', `data-dumps${query}`);
    if (answer.status !== 200) throw new Error(`${answer.status} ${String(answer.error)}`);
    return answer.data;
  }

  /** The dump that latest.json names to the world, which is whole. Needs a service with a folder. */
  async latestPublic(): Promise<Dump> {
    const folder = `${this.service.url}/public-data-dumps`;
    const dump = (await (await fetch(`${folder}/latest.json`)).json()) as Dump;
    const file = await fetch(`${folder}/${dump.id}/${dump.filename}`);
    const digest = createHash('sha256').update(Buffer.from(await file.arrayBuffer()));
    if (digest.digest('hex') !== dump.sha256) throw new Error('latest.json names half a dump');
    return dump;
  }
}
