/** `npm run publish-dump` on its own: what becomes of dumps that it could not send, and of one that is interrupted. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { listing, root } from '../support';
import type { Client, Job } from '../support/admin/client';
import { faultyBucket, firstArchive } from '../support/admin/faulty-bucket';
import { prefix } from '../support/admin/places';
import type { Asked } from '../support/fault-proxy';
import { newer } from '../support/platform';

const stage = faultyBucket();
let database: string;

beforeEach(() => {
  database = newer(stage.base);
});

/** The command, with the state folder of the stage's service. */
function publishDump(more: Readonly<Record<string, string>> = {}): ChildProcess {
  const { PATH = '' } = process.env;
  return spawn(process.execPath, [join(root, 'dist', 'admin', 'publish.js')], {
    cwd: stage.base,
    env: {
      PATH,
      SOURCE_DATABASE_FILE: database,
      ADMIN_STATE_DIR: join(stage.base, 'state'),
      BACKUP_OUTPUT_DIR: join(stage.base, 'backups'),
      ...stage.r2.env,
      DUMPS_S3_ENDPOINT: stage.proxy.url,
      ...more,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<[code: number | null, said: string]> {
  const said = child.stderr === null ? '' : text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, await said];
}

const outbox = (): string[] =>
  listing(join(stage.base, 'state', 'outbox')).filter((name) => name.endsWith('.zip'));

const archives = async (): Promise<string[]> =>
  (await stage.r2.keys()).filter((key) => key.endsWith('.zip'));

/** Lets archives go up, and breaks off what is read back of them. */
function breakOff(): void {
  const isOf = (method: string, asked: Asked): boolean =>
    asked.method === method && /\.zip(\?|$)/.test(asked.path);
  stage.proxy.behave((asked) => {
    const isUp = stage.proxy.asked.some((before) => isOf('PUT', before));
    return isUp && isOf('GET', asked) ? 'half' : undefined;
  });
}

async function jobs(admin: Client): Promise<readonly Job[]> {
  return (await admin.ask<{ jobs: Job[] }>('GET', 'jobs')).data.jobs;
}

it('gives up what the dead could not send once a newer dump is published, and the service shows it till then', async () => {
  breakOff();
  const living = await stage.admin.make();
  expect(living).toMatchObject({ state: 'failed', publishable: true });
  breakOff();
  const [code, said] = await ended(publishDump());
  expect([code, said]).toEqual([1, expect.stringContaining('is kept and can be sent again')]);
  expect(await jobs(stage.admin)).toMatchObject([
    { state: 'failed', publishable: true },
    { job_id: living.job_id, publishable: true },
  ]);
  expect([outbox().length, (await archives()).length]).toEqual([2, 2]);

  stage.proxy.behave();
  expect([0, 3]).toContain((await ended(publishDump()))[0]);
  expect(await jobs(stage.admin)).toMatchObject([
    { state: 'succeeded' },
    { state: 'failed', publishable: false, error: { code: 'DUMP_OUTDATED' } },
    { job_id: living.job_id, publishable: true },
  ]);
  expect(outbox()).toEqual([expect.stringContaining(living.job_id)]);
  const [id] = await stage.ids();
  expect(await archives()).toEqual([expect.stringContaining(String(id))]);

  // Nor does a service keep what an earlier one has left.
  await stage.admin.service.stop();
  const admin = await stage.start('state');
  writeFileSync(join(stage.base, 'plan.json'), '{}');
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  expect(outbox()).toEqual([]);
  expect(await admin.job(living.job_id)).toMatchObject({ state: 'failed', publishable: false });
});

it('gives up what the dead could not send once another dump of the same second is published', async () => {
  breakOff();
  const { job_id } = await stage.admin.make();
  await stage.admin.service.stop();
  stage.proxy.behave();
  const admin = await stage.start('state');
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  expect(await admin.job(job_id)).toMatchObject({
    state: 'failed',
    publishable: false,
    error: { code: 'DUMP_OUTDATED' },
  });
  expect(outbox()).toEqual([]);
  expect(await archives()).toEqual([firstArchive]);
});

it('can publish again what was published when its service was killed while it cleared up', async () => {
  breakOff();
  expect((await ended(publishDump()))[0]).toBe(1);
  stage.proxy.behave();
  stage.plan(new Date(Date.now() + 2_000).toISOString());
  // What the command has left is removed once a newer dump is out.
  const isClearing = new Promise<void>((seen) => {
    stage.proxy.before = ({ method, path }) => {
      if (method !== 'DELETE' || !/\.zip(\?|$)/.test(path)) return Promise.resolve();
      seen();
      return new Promise(() => undefined);
    };
  });
  const { job_id } = (await stage.admin.generate()).data;
  await isClearing;
  await stage.admin.service.stop('SIGKILL');
  stage.proxy.behave();
  const admin = await stage.start('state');
  expect(await admin.job(job_id)).toMatchObject({ state: 'interrupted', publishable: true });
  expect((await admin.ask('POST', `jobs/${job_id}/publish`)).status).toBe(202);
  expect(await admin.over(job_id)).toMatchObject({ state: 'succeeded', publishable: false });
  expect((await admin.dumps()).dumps).toHaveLength(1);
});

it('is told as interrupted as soon as it was killed, though its lock says for two minutes that it runs', async () => {
  const child = publishDump();
  await new Promise<void>((seen) => {
    stage.proxy.before = ({ method, path }) => {
      if (method !== 'PUT' || !/\.zip(\?|$)/.test(path)) return Promise.resolve();
      seen();
      return new Promise(() => undefined);
    };
  });
  expect(await jobs(stage.admin)).toMatchObject([{ state: 'running', elsewhere: true }]);
  child.kill('SIGKILL');
  await ended(child);
  expect(await jobs(stage.admin)).toMatchObject([{ state: 'interrupted', publishable: true }]);
});

it('removes what a run before the last start of the machine has left half made', async () => {
  const id = '0'.repeat(36);
  const instance = { id: 'another', place: 'before the start', pid: 1, started: null };
  const times = { created_at: '2026-01-01T00:00:00Z', finished_at: null };
  const job = { id, kind: 'data-dump', ...times, instance, state: 'running', lock: 'gone' };
  const state = join(stage.base, 'state');
  const record = join(state, 'jobs', `${id}.json`);
  writeFileSync(record, JSON.stringify({ ...job, error: null, kept: null }));
  mkdirSync(join(state, 'outbox', id));
  writeFileSync(join(state, 'outbox', id, 'half.zip'), 'PK');
  expect([0, 3]).toContain((await ended(publishDump()))[0]);
  expect(outbox()).toEqual([]);
  expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ state: 'interrupted' });
});

it('says why the storage cannot be had, which no log of a service would', async () => {
  stage.proxy.behave(() => 'gateway');
  const [code, said] = await ended(publishDump());
  expect([code, said]).toEqual([1, expect.stringMatching(/^\{.*STORAGE_UNAVAILABLE.*502/m)]);
});

it.each([
  ['bucket', { DUMPS_S3_BUCKET: 'nowhere' }, /^error: .*status 404: check DUMPS_S3_BUCKET/m],
  [
    'secret',
    { DUMPS_S3_SECRET_ACCESS_KEY: 'wrong-one' },
    /^error: .*status 403: check DUMPS_S3_ACCESS_KEY_ID/m,
  ],
  ['endpoint', { DUMPS_S3_ENDPOINT: 'http://127.0.0.1:1' }, /^error: .*check DUMPS_S3_ENDPOINT/m],
])('says what to check where the %s is wrong', async (_, wrong, words) => {
  const [code, said] = await ended(publishDump(wrong));
  expect([code, said]).toEqual([1, expect.stringMatching(words)]);
  expect(said).not.toMatch(/wrong-one/);
});

it('says by its code, which the README explains, that a job is running', async () => {
  const lock = { job_id: 'a-job', kind: 'backup', token: 'another' };
  const heartbeat_at = new Date().toISOString();
  await stage.r2.write(`${prefix}.lock.json`, JSON.stringify({ ...lock, heartbeat_at }));
  const [code, said] = await ended(publishDump());
  expect([code, said]).toEqual([1, expect.stringMatching(/^error: JOB_RUNNING: Another job/m)]);
});

it('says nothing of Node to come, as the client for buckets would with Node 20', async () => {
  const [, said] = await ended(publishDump({ DUMPS_S3_BUCKET: 'nowhere' }));
  expect(said).not.toMatch(/SupportWarning/);
});

it('ends with 2 where a variable is wrong that is looked at with the job', async () => {
  const [code, said] = await ended(publishDump({ DUMP_SOURCE_URL: 'example.org' }));
  expect([code, said]).toEqual([2, expect.stringContaining('INVALID_OPTIONS: source.url')]);
  expect(await stage.ids()).toEqual([]);
});

it('waits for somebody who changes what is published', async () => {
  const key = `${prefix}.lock.json`;
  const heartbeat_at = new Date().toISOString();
  const lock = { job_id: 'tidying', kind: 'change', token: 'another', heartbeat_at };
  await stage.r2.write(key, JSON.stringify(lock));
  let looks = 0;
  stage.proxy.before = async ({ method, path }) => {
    if (method !== 'GET' || !path.includes('.lock.json')) return;
    looks += 1;
    if (looks === 2) await stage.r2.remove(key);
  };
  expect([0, 3]).toContain((await ended(publishDump()))[0]);
  expect(await stage.ids()).toHaveLength(1);
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'ends as interrupted when %s comes while it takes the lock',
  async (signal) => {
    const child = publishDump();
    let isSent = false;
    stage.proxy.before = async ({ method, path }) => {
      if (isSent || method !== 'PUT' || !path.includes('.lock.json')) return;
      isSent = true;
      child.kill(signal);
      // The signal has come before the lock is there.
      await sleep(300);
    };
    expect((await ended(child))[0]).toBe(130);
    expect(await stage.json('.lock.json')).toMatchObject({ job_id: null });
    expect(outbox()).toEqual([]);
  },
);
