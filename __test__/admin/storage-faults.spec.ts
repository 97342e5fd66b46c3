/** A bucket that fails in the middle of publishing, whose answers get lost, or in which somebody else has written. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { listing } from '../support';
import type { Dump } from '../support/admin/client';
import { faultyBucket, firstArchive, firstId } from '../support/admin/faulty-bucket';
import { prefix } from '../support/admin/places';
import type { Fault } from '../support/fault-proxy';

const stage = faultyBucket();
const secondId = '20260502T000000Z';
const secondArchive = `${prefix}${secondId}/datadump-2026-05-02.zip`;

/** From now on every write of a key meets a fault. */
function fail(key: string, fault: Fault = 'broken'): void {
  stage.proxy.behave(({ method, path }) =>
    method === 'PUT' && path.includes(key) ? fault : undefined,
  );
}

/** The answer to the next write of a key gets lost, and the SDK sends it again. */
function loseAnswer(key: string): void {
  let isLost = false;
  stage.proxy.behave(({ method, path }) => {
    if (isLost || method !== 'PUT' || !path.includes(`/${key}?`)) return undefined;
    isLost = true;
    return 'lost';
  });
}

describe('a dump that could not be published to the end', () => {
  beforeEach(async () => {
    await stage.admin.make();
    stage.plan('2026-05-02T00:00:00Z');
  });

  it('is taken back when it is discarded, once the storage is there again', async () => {
    fail('index.json');
    const failed = await stage.admin.make();
    expect(failed).toMatchObject({ state: 'failed', publishable: true });
    expect(await stage.r2.keys()).toContain(secondArchive);

    stage.proxy.behave(() => 'busy');
    const refused = await stage.admin.ask('DELETE', `jobs/${failed.job_id}`);
    expect([refused.status, refused.error]).toEqual([503, 'STORAGE_UNAVAILABLE']);
    expect(await stage.admin.job(failed.job_id)).toMatchObject({
      state: 'failed',
      publishable: true,
    });

    stage.proxy.behave();
    expect((await stage.admin.ask('DELETE', `jobs/${failed.job_id}`)).status).toBe(200);
    expect(await stage.admin.job(failed.job_id)).toMatchObject({
      state: 'cancelled',
      publishable: false,
    });
    expect(await stage.ids()).toEqual([firstId]);
    expect((await stage.r2.keys()).join()).not.toContain(secondId);
    expect((await stage.json<Dump>('latest.json')).id).toBe(firstId);
    expect((await stage.json<{ dumps: Dump[] }>('index.json')).dumps).toHaveLength(1);
    expect(listing(join(stage.base, 'state', 'outbox'))).toEqual([]);
  });

  /** Cancels a job while index.json is written, a write that then fails. */
  async function cancelAtIndex(): Promise<string> {
    fail('index.json');
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    stage.proxy.before = ({ method, path }) =>
      method === 'PUT' && path.includes('index.json') ? held : Promise.resolve();
    const { job_id } = (await stage.admin.generate()).data;
    await stage.admin.until(job_id, ({ progress }) => progress?.phase === 'publish');
    expect((await stage.admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(202);
    return (letGo(), job_id);
  }

  it('is taken back when it was cancelled meanwhile', async () => {
    const job_id = await cancelAtIndex();
    // The SDK writes three times; what is written after that is the taking back.
    stage.proxy.fault = ({ method, path }) =>
      method === 'PUT' &&
      path.includes('index.json') &&
      stage.proxy.asked.filter((asked) => asked.method === 'PUT' && asked.path === path).length <= 3
        ? 'broken'
        : undefined;
    expect(await stage.admin.over(job_id)).toMatchObject({
      state: 'cancelled',
      publishable: false,
    });
    expect(await stage.ids()).toEqual([firstId]);
    expect((await stage.r2.keys()).join()).not.toContain(secondId);
  });

  it('waits to be discarded when it was cancelled and cannot be taken back', async () => {
    const job_id = await cancelAtIndex();
    const failed = await stage.admin.over(job_id);
    expect(failed).toMatchObject({ state: 'failed', publishable: true });
    expect(failed.error?.message).toMatch(/could not be taken back.*discard it once/);
    stage.proxy.behave();
    expect((await stage.admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(200);
    expect(await stage.ids()).toEqual([firstId]);
    expect((await stage.r2.keys()).join()).not.toContain(secondId);
  });

  it('takes nothing away from another dump of its second when it is discarded', async () => {
    await stage.r2.write(`${secondArchive}.json`, '{"somebody":"else"}');
    const failed = await stage.admin.make();
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'DUMP_EXISTS' } });
    expect((await stage.admin.ask('DELETE', `jobs/${failed.job_id}`)).status).toBe(200);
    expect(await stage.r2.keys()).toContain(`${secondArchive}.json`);
  });
});

describe('an answer that got lost', () => {
  it.each(['.lock.json', 'index.json', 'latest.json'])(
    'after %s was written is no failure',
    async (key) => {
      await stage.admin.make();
      stage.plan('2026-05-02T00:00:00Z');
      loseAnswer(key);
      const job = await stage.admin.make();
      expect(job).toMatchObject({ state: 'succeeded', error: null });
      expect((await stage.json<Dump>('latest.json')).id).toBe(secondId);
      expect((await stage.admin.ask('GET', 'jobs')).data).toMatchObject({ running: null });
    },
  );
});

describe('what somebody else has damaged', () => {
  beforeEach(async () => {
    await stage.admin.make();
    stage.plan('2026-05-02T00:00:00Z');
  });

  it.each([
    ['empty', ''],
    ['cut', '{"id":"2026'],
    ['null', 'null'],
    ['something else', '{"id":"../..","sha256":"../../etc/passwd"}'],
    ['gone', undefined],
  ])('latest.json and index.json that are %s are derived anew', async (_, body) => {
    for (const key of ['latest.json', 'index.json']) {
      if (body === undefined) await stage.r2.remove(`${prefix}${key}`);
      else await stage.r2.write(`${prefix}${key}`, body);
    }
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
    // What the new dump was compared with is the one that latest.json had named.
    expect(stage.admin.service.output()).toMatch(/"previous":"[^"]+previous[^"]+\.zip"/);
    expect(stage.admin.service.output()).toMatch(
      /"warning":"[^"]*latest\.json is missing or damaged/,
    );
    expect((await stage.json<Dump>('latest.json')).id).toBe(secondId);
    expect((await stage.json<{ dumps: Dump[] }>('index.json')).dumps.map(({ id }) => id)).toEqual([
      secondId,
      firstId,
    ]);
  });

  it.each([
    ['empty', ''],
    ['cut', '{"id":"2026'],
    ['null', 'null'],
    ['of another dump', `{"id":"${firstId}"}`],
  ])('a sidecar that is %s is left out, with a word in the log', async (_, body) => {
    const [whole] = (await stage.admin.dumps()).dumps as [Dump];
    // Another one of the same day, which the damaged one must not hide either.
    const later = `${prefix}20260501T120000Z/datadump-2026-05-01.zip`;
    await stage.r2.write(later, 'PK');
    await stage.r2.write(`${later}.json`, body);
    for (let times = 0; times < 2; times += 1) {
      expect(await stage.admin.dumps()).toMatchObject({ dumps: [whole], total: 1 });
    }
    const told = stage.admin.service.output().match(/"warning":"[^"]*20260501T120000Z[^"]*"/g);
    expect(told).toHaveLength(1);
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
    expect(await stage.ids()).toEqual([secondId, firstId]);
    expect(await stage.r2.keys()).toContain(firstArchive);
  });

  it.each([
    { download_url: 'javascript:alert(document.domain)' },
    { download_url: 'data:text/html,hello' },
    { download_url: '/somewhere' },
    { generated_at: 'soon' },
  ])('a sidecar with %j reaches no page', async (wrong) => {
    const [whole] = (await stage.admin.dumps()).dumps as [Dump];
    const later = `${prefix}20260502T120000Z/datadump-2026-05-02.zip`;
    const dump = { ...whole, id: '20260502T120000Z', filename: 'datadump-2026-05-02.zip' };
    await stage.r2.write(later, 'PK');
    await stage.r2.write(`${later}.json`, JSON.stringify({ ...dump, ...wrong }));
    expect(await stage.admin.dumps()).toMatchObject({ dumps: [whole], total: 1 });
  });
});

describe('a dump that waits, published and discarded at once', () => {
  async function waiting(): Promise<string> {
    const { job_id, state } = await stage.admin.make({ publish: false });
    expect(state).toBe('review');
    return job_id;
  }

  /** What discarding leaves: nothing, and a service that goes on. */
  async function expectDiscarded(id: string): Promise<void> {
    expect(await stage.admin.over(id)).toMatchObject({ state: 'cancelled', publishable: false });
    expect(await stage.ids()).toEqual([]);
    expect((await stage.r2.keys()).join()).not.toContain(firstId);
    expect(listing(join(stage.base, 'state', 'outbox'))).toEqual([]);
    expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
  }

  it('is discarded when publishing still waits for the lock', async () => {
    const id = await waiting();
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    const isHeld = new Promise<void>((seen) => {
      stage.proxy.before = ({ method, path }) => {
        if (method !== 'PUT' || !path.includes('.lock.json')) return Promise.resolve();
        seen();
        return held;
      };
    });
    const publishing = stage.admin.ask('POST', `jobs/${id}/publish`);
    await isHeld;
    expect((await stage.admin.ask('DELETE', `jobs/${id}`)).status).toBe(200);
    letGo();
    const refused = await publishing;
    expect([refused.status, refused.error]).toEqual([409, 'NOTHING_TO_PUBLISH']);
    await expectDiscarded(id);
  });

  it.each([0, 4, 16])('is the one or the other where %s ms lie in between', async (ms) => {
    const id = await waiting();
    const publishing = stage.admin.ask('POST', `jobs/${id}/publish`);
    await sleep(ms);
    const [published, discarded] = await Promise.all([
      publishing,
      stage.admin.ask('DELETE', `jobs/${id}`),
    ]);
    const { state, publishable } = await stage.admin.over(id);
    expect(publishable).toBe(false);
    if (state === 'succeeded') {
      expect(published.status).toBe(202);
      expect(await stage.ids()).toEqual([firstId]);
    } else {
      expect([200, 202]).toContain(discarded.status);
      expect(published.status).toBe(discarded.status === 200 ? 409 : 202);
      await expectDiscarded(id);
    }
  });
});
