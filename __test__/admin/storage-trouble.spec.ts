/** A bucket that fails beside publishing: when what is old goes, when a dump is read, and when one is taken back. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Answer, Dump } from '../support/admin/client';
import { faultyBucket, firstArchive, firstId } from '../support/admin/faulty-bucket';
import { prefix } from '../support/admin/places';
import { evaluate } from '../support/evaluate';

const stage = faultyBucket();

describe('what is old', () => {
  it('is removed with the next dump when it cannot be now, and the dump is published', async () => {
    const old = `${prefix}20260401T000000Z/datadump-2026-04-01.zip`;
    await stage.r2.write(old, 'PK');
    stage.proxy.behave(({ method }) => (method === 'DELETE' ? 'busy' : undefined));
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded', publishable: false });
    expect(await stage.ids()).toEqual([firstId]);
    expect(await stage.r2.keys()).toContain(old);
    expect(stage.admin.service.output()).toMatch(/"error":\["Problem STORAGE_UNAVAILABLE/);

    stage.proxy.behave();
    stage.plan('2026-05-02T00:00:00Z');
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
    expect(await stage.r2.keys()).not.toContain(old);
  });
});

describe('a body that breaks off', () => {
  it('of the dump before is told as the storage that fails', async () => {
    await stage.admin.make();
    rmSync(join(stage.base, 'state', 'previous'), { recursive: true });
    stage.plan('2026-05-02T00:00:00Z');
    stage.proxy.behave(({ path }) => (path.includes(firstArchive) ? 'half' : undefined));
    expect(await stage.admin.make()).toMatchObject({
      state: 'failed',
      publishable: false,
      error: { code: 'STORAGE_UNAVAILABLE' },
    });
  });

  it('of what was uploaded is told so too, and the dump can be sent again', async () => {
    const isThere = (): boolean =>
      stage.proxy.asked.some(({ method, path }) => method === 'PUT' && path.includes(firstArchive));
    stage.proxy.behave(({ method, path }) =>
      method === 'GET' && path.includes(firstArchive) && isThere() ? 'half' : undefined,
    );
    const answer = await stage.admin.generate({}, 60);
    expect(answer).toMatchObject({ status: 503, details: { code: 'STORAGE_UNAVAILABLE' } });
    stage.proxy.behave();
    const job_id = String(answer.details?.['job_id']);
    await stage.admin.ask('POST', `jobs/${job_id}/publish`);
    expect(await stage.admin.over(job_id)).toMatchObject({ state: 'succeeded' });
  });
});

describe('the page of a network, with the status of success', () => {
  const secondId = '20260502T000000Z';
  const listed = async (): Promise<readonly string[]> =>
    (await stage.json<{ dumps: Dump[] }>('index.json')).dumps.map(({ id }) => id);

  beforeEach(async () => {
    await stage.admin.make();
    stage.plan('2026-05-02T00:00:00Z');
  });

  it('is no answer of the bucket, which is asked again', async () => {
    const seen = new Set<string>();
    stage.proxy.behave(({ method, path }) => {
      const asked = `${method} ${path}`;
      if (seen.has(asked)) return undefined;
      seen.add(asked);
      return 'login';
    });
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
    expect(await listed()).toEqual([secondId, firstId]);
    expect((await stage.json<Dump>('latest.json')).id).toBe(secondId);
  });

  it.each(['login', 'nothing'] as const)('that stays is no empty list: %s', async (fault) => {
    let lists = 0;
    // The first list is for what is newest, the second for what is listed from now on.
    stage.proxy.behave(({ path }) =>
      path.includes('list-type=2') && (lists += 1) > 1 ? fault : undefined,
    );
    expect(await stage.admin.make()).toMatchObject({
      state: 'failed',
      publishable: true,
      error: { code: 'STORAGE_UNAVAILABLE' },
    });
    expect((await stage.admin.ask('GET', 'data-dumps')).status).toBe(503);
    expect(await listed()).toEqual([firstId]);
    expect((await stage.json<Dump>('latest.json')).id).toBe(firstId);
  });
});

it('a dump whose parts had become one object when the answer got lost is published', async () => {
  const plan = { at: '2026-05-01T00:00:00Z', bytes: 9 << 20 };
  writeFileSync(join(stage.base, 'plan.json'), JSON.stringify(plan));
  let completions = 0;
  stage.proxy.behave(({ method, path }) => {
    if (method !== 'POST' || !path.includes('uploadId=')) return undefined;
    completions += 1;
    return completions === 1 ? 'lost' : undefined;
  });
  expect(await stage.admin.make()).toMatchObject({ state: 'succeeded', error: null });
  expect(completions).toBe(2);
  expect(await stage.ids()).toEqual([firstId]);
});

describe('while a dump is taken back', () => {
  function takeBack(): Promise<Answer<unknown>> {
    return stage.admin.ask('DELETE', `data-dumps/${firstId}`);
  }

  it('no job is told as running, and none can be started', async () => {
    await stage.admin.make();
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    const isHeld = new Promise<void>((seen) => {
      stage.proxy.before = ({ method, path }) => {
        if (method !== 'PUT' || !path.includes('index.json')) return Promise.resolve();
        seen();
        return held;
      };
    });
    const other = await stage.start('other');
    const taking = takeBack();
    await isHeld;
    for (const one of [stage.admin, other]) {
      expect((await one.ask('GET', 'jobs')).data).toMatchObject({ running: null });
      const refused = await one.generate();
      expect([refused.status, refused.error]).toEqual([409, 'JOB_RUNNING']);
      expect(refused.message).toMatch(/published is being changed/);
      expect(refused.details).toMatchObject({ job_id: null });
    }
    letGo();
    expect((await taking).status).toBe(200);
  });

  it('the lock may get stuck, which holds up nobody afterwards', async () => {
    await stage.admin.make();
    let claims = 0;
    stage.proxy.behave(({ method, path }) => {
      if (method !== 'PUT' || !path.includes('.lock.json')) return undefined;
      return (claims += 1) > 1 ? 'busy' : undefined;
    });
    expect((await takeBack()).status).toBe(200);
    expect(claims).toBeGreaterThan(1);
    stage.proxy.behave();
    expect((await stage.admin.ask('GET', 'jobs')).data).toMatchObject({ running: null });
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
  });
});

it('a dump that waits does not run because somebody took the lock to publish it, and died', async () => {
  const { job_id } = await stage.admin.make({ publish: false });
  const heartbeat_at = new Date().toISOString();
  const lock = { job_id, kind: 'data-dump', token: 'another', heartbeat_at };
  await stage.r2.write(`${prefix}.lock.json`, JSON.stringify(lock));
  expect((await stage.admin.ask('GET', 'jobs')).data).toMatchObject({
    jobs: [{ job_id, state: 'review' }],
    running: null,
  });
});

it('an upload that is stopped before it begins opens no file, which may be gone', () => {
  const script = `
    const { setTimeout: sleep } = await import('node:timers/promises');
    const nowhere = { endpoint: 'http://127.0.0.1:1', bucket: 'b', accessKeyId: 'a', secretAccessKey: 's' };
    const signal = AbortSignal.abort();
    const sent = new S3Store(nowhere).upload('key', '/no/such/file', {}, { signal });
    const end = await sent.then(() => 'sent', ({ name }) => name);
    await sleep(100);
    return end;`;
  expect(evaluate('S3Store', 'admin/storage/s3.js', script)).toBe('AbortError');
});
