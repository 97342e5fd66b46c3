/** Processes in containers of their own that share the service's folders: what a pid says in one means nothing in another. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { folder, listing, removeFolders, root } from '../support';
import { Client, type Job } from '../support/admin/client';
import { newestGeneration, people } from '../support/admin/people';
import { serveStandIn, stopServices } from '../support/admin/service';
import { evaluate } from '../support/evaluate';
import { inOwnPids } from '../support/process';

let base: string;
let env: Record<string, string>;

beforeEach(() => {
  base = folder();
  env = {
    SOURCE_DATABASE_FILE: newestGeneration(base),
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    DUMPS_DIR: join(base, 'public'),
    STAND_IN_PLAN: join(base, 'plan.json'),
  };
});

afterEach(async () => {
  await stopServices();
  removeFolders();
});

function plan(what: object): void {
  writeFileSync(join(base, 'plan.json'), JSON.stringify(what));
}

async function client(): Promise<Client> {
  return new Client(await serveStandIn(env, inOwnPids()), people.roleAdmin);
}

/** `npm run publish-dump` in a container of its own: its exit code and what it said. */
async function publishDump(): Promise<[code: number | null, said: string]> {
  const { PATH = '' } = process.env;
  const script = join(root, 'dist', 'admin', 'publish.js');
  const [program, ...rest] = [...inOwnPids(), process.execPath, script];
  const child = spawn(program, rest, {
    cwd: base,
    env: { PATH, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return [code, said];
}

/** What the lock and the records look like two minutes later. */
function letTheLockGoStale(): void {
  const path = join(base, 'public', 'public-data-dumps', '.lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8')) as { heartbeat_at: string };
  const heartbeat_at = new Date(Date.parse(lock.heartbeat_at) - 121_000).toISOString();
  writeFileSync(path, JSON.stringify({ ...lock, heartbeat_at }));
}

function onDisk(id: string): Job {
  return JSON.parse(readFileSync(join(base, 'state', 'jobs', `${id}.json`), 'utf8')) as Job;
}

// Namespaces of pids: the other systems have no such thing.
(process.platform === 'linux' ? describe : describe.skip)('in another container', () => {
  it('nobody takes the lock of a job that runs, nor its files', async () => {
    const service = await client();
    const end = join(base, 'end');
    plan({ until: end });
    const { job_id } = (await service.generate()).data;
    await service.until(job_id, ({ progress }) => progress !== null);
    const [code, said] = await publishDump();
    expect([code, said]).toEqual([1, expect.stringContaining('Another job is running')]);
    // A second service, as in a rolling update.
    const second = await client();
    expect((await second.generate()).error).toBe('JOB_RUNNING');
    expect(await second.job(job_id)).toMatchObject({ state: 'running' });
    // Only the process that runs it knows how far it is, and can stop it.
    const elsewhere = { running: { job_id, elsewhere: true, progress: null } };
    expect((await second.ask('GET', 'jobs')).data).toMatchObject(elsewhere);
    expect((await service.ask('GET', 'jobs')).data).not.toMatchObject(elsewhere);
    expect(onDisk(job_id).state).toBe('running');
    expect(listing(join(base, 'state', 'outbox'))).toEqual([job_id]);
    writeFileSync(end, '');
    expect(await service.over(job_id)).toMatchObject({ state: 'succeeded' });
    expect(await second.job(job_id)).toMatchObject({ state: 'succeeded' });
    expect(await second.make()).toMatchObject({ state: 'succeeded' });
  });

  it('a job that died is told as interrupted once its lock is stale', async () => {
    const before = await client();
    plan({ until: join(base, 'never') });
    const { job_id } = (await before.generate()).data;
    await before.until(job_id, ({ progress }) => progress !== null);
    await before.service.stop('SIGKILL');
    const after = await client();
    expect(await after.job(job_id)).toMatchObject({ state: 'running' });
    expect((await after.generate()).error).toBe('JOB_RUNNING');
    letTheLockGoStale();
    expect(await after.job(job_id)).toMatchObject({
      state: 'interrupted',
      error: { code: 'INTERRUPTED' },
    });
    expect(after.service.output()).toContain(`"subject":"${job_id}","outcome":"INTERRUPTED"`);
    plan({});
    expect(await after.make()).toMatchObject({ state: 'succeeded' });
    // What the dead has left goes beside what is done.
    while (listing(join(base, 'state', 'outbox')).length > 0) await sleep(20);
  });

  it('a dump that waits can be published, and how far that is can be followed', async () => {
    const before = await client();
    plan({});
    const { job_id } = await before.make({ publish: false });
    const after = await client();
    await after.ask('POST', `jobs/${job_id}/publish`);
    const events = await fetch(`${after.service.url}/api/admin/jobs/${job_id}/events`, {
      headers: { authorization: `Bearer ${people.roleAdmin}` },
    });
    expect(events.status).toBe(200);
    expect(await events.text()).toContain('"state":"succeeded"');
  });
});

it('a job that its process has ended and started again while somebody asked for its lock still runs', () => {
  const records = pathToFileURL(join(root, 'dist', 'admin', 'jobs', 'records.js')).href;
  const script = `
    const { writeFileSync } = await import('node:fs');
    const { JobRecords } = await import(${JSON.stringify(records)});
    const id = '0'.repeat(36);
    const instance = { id: 'another', place: 'elsewhere', pid: 1, started: null };
    const writeDown = (lock) => {
      const times = { created_at: '', started_at: '', finished_at: null };
      const job = { id, kind: 'data-dump', ...times, instance, state: 'running', lock, error: null, kept: null };
      writeFileSync(${JSON.stringify(join(base, 'state', 'jobs'))} + '/' + id + '.json', JSON.stringify(job));
    };
    const all = new JobRecords(${JSON.stringify(join(base, 'state'))});
    writeDown('first');
    const free = Buffer.from(JSON.stringify({ job_id: null, heartbeat_at: new Date().toISOString() }));
    const runner = new JobRunner(all, { get: async () => (writeDown('second'), { body: free }) }, {});
    const { lock, state } = await runner.get(id);
    return [lock, state];`;
  expect(evaluate('JobRunner', 'admin/jobs/runner.js', script)).toEqual(['second', 'running']);
});
