/** One job at a time, whichever instance was asked, and what becomes of it when a process ends. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { listing, root } from '../support';
import type { Job } from '../support/admin/client';
import { latest, type Place, places } from '../support/admin/places';
import { evaluate } from '../support/evaluate';

const { base, client, inBucket, inFolder, plan } = places();

describe.each<[string, () => Place | Promise<Place>]>([
  ['a folder', inFolder],
  ['a bucket', inBucket],
])('in %s', (_, placed) => {
  it('runs one job of either kind, across instances', async () => {
    const place = await placed();
    const [one, two] = [await client(place, 'one'), await client(place, 'two')];
    const never = join(base(), 'never');
    plan({ until: never });
    const started = await one.generate();
    for (const other of [one, two]) {
      for (const kind of ['data-dump', 'backup']) {
        const answer = await other.ask('POST', `${kind}/generate`);
        expect([answer.status, answer.error]).toEqual([409, 'JOB_RUNNING']);
        expect(answer.details).toMatchObject({ job_id: started.data.job_id });
      }
      expect((await other.ask('DELETE', 'data-dumps/20260202T000000Z')).status).toBe(409);
    }
    expect(await two.job(started.data.job_id)).toMatchObject({ state: 'running', elsewhere: true });
    expect((await two.ask('GET', 'jobs')).data).toMatchObject({ running: { elsewhere: true } });
    expect((await two.ask('DELETE', `jobs/${started.data.job_id}`)).status).toBe(404);
    expect((await one.ask('DELETE', `jobs/${started.data.job_id}`)).status).toBe(202);
    expect(await one.over(started.data.job_id)).toMatchObject({
      state: 'cancelled',
      error: { code: 'CANCELLED' },
      publishable: false,
    });
    plan({});
    expect(await two.make()).toMatchObject({ state: 'succeeded' });
    plan({ until: never });
    const both = await Promise.all([one.generate(), two.generate()]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
  });

  it('tells a job as interrupted after its process died, and lets go of the lock', async () => {
    const place = await placed();
    const before = await client(place);
    plan({ until: join(base(), 'never') });
    const { job_id } = (await before.generate()).data;
    await before.until(job_id, ({ progress }) => progress !== null);
    await before.service.stop('SIGKILL');
    plan({});
    const after = await client(place);
    expect(await after.job(job_id)).toMatchObject({
      state: 'interrupted',
      error: { code: 'INTERRUPTED' },
    });
    expect(after.service.output()).toContain(`"subject":"${job_id}","outcome":"INTERRUPTED"`);
    expect(await after.make()).toMatchObject({ state: 'succeeded' });
    await latest(place);
    // What the dead has left goes beside what is done.
    while (listing(join(base(), 'state', 'outbox')).length > 0) await sleep(20);
  });

  it('lists while dumps are published', async () => {
    const admin = await client(await placed());
    let isOver = false;
    // A page throws when it is not answered with 200.
    const reading = Array.from({ length: 4 }, async () => {
      const counts: number[] = [];
      while (!isOver) counts.push((await admin.dumps()).total);
      return counts;
    });
    const publishing = (async () => {
      for (const day of [1, 2, 3, 4, 5, 6]) {
        plan({ at: `2026-03-0${day}T00:00:00Z` });
        expect(await admin.make()).toMatchObject({ state: 'succeeded' });
      }
    })().finally(() => {
      isOver = true;
    });
    await publishing;
    for (const counts of await Promise.all(reading)) {
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
    }
    expect((await admin.dumps()).total).toBe(6);
  });

  it('shuts down gracefully', async () => {
    const place = await placed();
    const before = await client(place, 'one');
    plan({ until: join(base(), 'never') });
    const { job_id } = (await before.generate()).data;
    await before.until(job_id, ({ progress }) => progress !== null);
    expect(await before.service.stop('SIGTERM')).toBe(0);
    const other = await client(place, 'two');
    plan({});
    expect(await other.make()).toMatchObject({ state: 'succeeded' });
    expect(await (await client(place, 'one')).job(job_id)).toMatchObject({ state: 'interrupted' });
  });
});

describe('a dump that waits for somebody', () => {
  it('stays in the list of jobs, however many come after it', async () => {
    const admin = await client(inFolder());
    plan({});
    const { job_id } = await admin.make({ publish: false });
    plan({ code: 'DISK_FULL' });
    const wait = { prefer: 'wait=30' };
    for (let n = 0; n < 20; n += 1) await admin.ask('POST', 'backup/generate', {}, wait);
    const listed = async (): Promise<readonly Job[]> =>
      (await admin.ask<{ jobs: readonly Job[] }>('GET', 'jobs')).data.jobs;
    const waiting = (await listed()).filter(({ publishable }) => publishable);
    expect(waiting.map((job) => job.job_id)).toEqual([job_id]);
    // Once it is published it is the last thing that was done.
    await admin.ask('POST', `jobs/${job_id}/publish`);
    expect(await admin.over(job_id)).toMatchObject({ state: 'succeeded' });
    const [last, ...others] = await listed();
    expect(last).toMatchObject({ job_id, kind: 'data-dump' });
    expect(others).toHaveLength(19);
  });

  it('counts its time anew when it is published', async () => {
    const admin = await client(inFolder());
    plan({});
    const made = await admin.make({ publish: false });
    await sleep(20);
    await admin.ask('POST', `jobs/${made.job_id}/publish`);
    const published = await admin.over(made.job_id);
    expect(Date.parse(published.started_at)).toBeGreaterThan(Date.parse(made.finished_at ?? ''));
    expect(published.created_at).toBe(made.created_at);
  });
});

it.each([
  ['the addon says', 'SOURCE_REFUSED', { code: 'SOURCE_REFUSED', message: 'from 10.0.0.7' }],
  [
    'TLS says',
    'CERT_HAS_EXPIRED',
    { code: 'INTERNAL_ERROR', message: expect.not.stringContaining('10.0.0.7') as string },
  ],
  [
    'a socket says',
    'UND_ERR_SOCKET',
    { code: 'INTERNAL_ERROR', message: expect.not.stringContaining('10.0.0.7') as string },
  ],
])('tells what %s as far as it is for people', async (_, code, error) => {
  const admin = await client(inFolder());
  plan({ code, message: 'from 10.0.0.7' });
  expect(await admin.make()).toMatchObject({ state: 'failed', error });
  if (error.code !== code) expect(admin.service.output()).toContain(`${code}: from 10.0.0.7`);
});

it('tells of no job as of one that another process runs while it gets its own lock', () => {
  const records = pathToFileURL(join(root, 'dist', 'admin', 'jobs', 'records.js')).href;
  const script = `
    const { JobRecords } = await import(${JSON.stringify(records)});
    let lock;
    let asked;
    const store = {
      get: async () => lock,
      put: async (_, body) => {
        lock = { body, etag: 'etag' };
        asked ??= await runner.recent();
        return 'etag';
      },
    };
    const events = { onEnd: () => undefined, onDefect: () => undefined };
    const runner = new JobRunner(new JobRecords(${JSON.stringify(base())}), store, events);
    let end;
    const job = await runner.start('backup', () => new Promise((done) => (end = done)));
    const { running } = await runner.recent();
    end({ state: 'succeeded', result: null });
    await runner.finished();
    return [asked.running, running.job_id === job.id, running.elsewhere ?? false];`;
  expect(evaluate('JobRunner', 'admin/jobs/runner.js', script)).toEqual([null, true, false]);
});
