/** A bucket that fails in the middle of publishing, whose answers get lost, or in which somebody else has written. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { folder, listing, removeFolders } from '../support';
import { type Bucket, bucket } from '../support/admin/bucket';
import { Client, type Dump } from '../support/admin/client';
import { newestGeneration, people } from '../support/admin/people';
import { serveStandIn, stopServices } from '../support/admin/service';
import { type Fault, FaultProxy } from '../support/fault-proxy';

const prefix = 'public-data-dumps/';
const firstId = '20260501T000000Z';
const firstArchive = `${prefix}${firstId}/datadump-2026-05-01.zip`;
const secondId = '20260502T000000Z';
const secondArchive = `${prefix}${secondId}/datadump-2026-05-02.zip`;

let r2: Bucket;
let proxy: FaultProxy;
let base: string;
let admin: Client;

beforeAll(async () => {
  r2 = await bucket();
  proxy = await new FaultProxy(new URL(r2.env['DUMPS_S3_ENDPOINT'] ?? '')).listen();
});

beforeEach(async () => {
  await r2.empty();
  proxy.behave();
  base = folder();
  const service = await serveStandIn({
    SOURCE_DATABASE_FILE: newestGeneration(base),
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    STAND_IN_PLAN: join(base, 'plan.json'),
    ...r2.env,
    DUMPS_S3_ENDPOINT: proxy.url,
  });
  admin = new Client(service, people.roleAdmin);
  plan('2026-05-01T00:00:00Z');
});

afterEach(async () => {
  await stopServices();
  removeFolders();
});

afterAll(async () => {
  await proxy.close();
  await r2.close();
});

function plan(at: string): void {
  writeFileSync(join(base, 'plan.json'), JSON.stringify({ at }));
}

/** From now on every write of a key meets a fault. */
function fail(key: string, fault: Fault = 'busy'): void {
  proxy.behave(({ method, path }) => (method === 'PUT' && path.includes(key) ? fault : undefined));
}

/** The answer to the next write of a key gets lost, and the SDK sends it again. */
function loseAnswer(key: string): void {
  let isLost = false;
  proxy.behave(({ method, path }) => {
    if (isLost || method !== 'PUT' || !path.includes(`/${key}?`)) return undefined;
    isLost = true;
    return 'lost';
  });
}

async function ids(): Promise<readonly string[]> {
  return (await admin.dumps()).dumps.map(({ id }) => id);
}

async function json<T>(key: string): Promise<T> {
  return JSON.parse(String(await r2.read(`${prefix}${key}`))) as T;
}

describe('a dump that could not be published to the end', () => {
  beforeEach(async () => {
    await admin.make();
    plan('2026-05-02T00:00:00Z');
  });

  it('is taken back when it is discarded, once the storage is there again', async () => {
    fail('index.json');
    const failed = await admin.make();
    expect(failed).toMatchObject({ state: 'failed', publishable: true });
    expect(await r2.keys()).toContain(secondArchive);

    proxy.behave(() => 'busy');
    const refused = await admin.ask('DELETE', `jobs/${failed.job_id}`);
    expect([refused.status, refused.error]).toEqual([503, 'STORAGE_UNAVAILABLE']);
    expect(await admin.job(failed.job_id)).toMatchObject({ state: 'failed', publishable: true });

    proxy.behave();
    expect((await admin.ask('DELETE', `jobs/${failed.job_id}`)).status).toBe(200);
    expect(await admin.job(failed.job_id)).toMatchObject({
      state: 'cancelled',
      publishable: false,
    });
    expect(await ids()).toEqual([firstId]);
    expect((await r2.keys()).join()).not.toContain(secondId);
    expect((await json<Dump>('latest.json')).id).toBe(firstId);
    expect((await json<{ dumps: Dump[] }>('index.json')).dumps).toHaveLength(1);
    expect(listing(join(base, 'state', 'outbox'))).toEqual([]);
  });

  /** Cancels a job while index.json is written, a write that then fails. */
  async function cancelAtIndex(): Promise<string> {
    fail('index.json');
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    proxy.before = ({ method, path }) =>
      method === 'PUT' && path.includes('index.json') ? held : Promise.resolve();
    const { job_id } = (await admin.generate()).data;
    await admin.until(job_id, ({ progress }) => progress?.phase === 'publish');
    expect((await admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(202);
    return (letGo(), job_id);
  }

  it('is taken back when it was cancelled meanwhile', async () => {
    const job_id = await cancelAtIndex();
    // The SDK writes three times; what is written after that is the taking back.
    proxy.fault = ({ method, path }) =>
      method === 'PUT' &&
      path.includes('index.json') &&
      proxy.asked.filter((asked) => asked.method === 'PUT' && asked.path === path).length <= 3
        ? 'busy'
        : undefined;
    expect(await admin.over(job_id)).toMatchObject({ state: 'cancelled', publishable: false });
    expect(await ids()).toEqual([firstId]);
    expect((await r2.keys()).join()).not.toContain(secondId);
  });

  it('waits to be discarded when it was cancelled and cannot be taken back', async () => {
    const job_id = await cancelAtIndex();
    const failed = await admin.over(job_id);
    expect(failed).toMatchObject({ state: 'failed', publishable: true });
    expect(failed.error?.message).toMatch(/could not be taken back.*discard it once/);
    proxy.behave();
    expect((await admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(200);
    expect(await ids()).toEqual([firstId]);
    expect((await r2.keys()).join()).not.toContain(secondId);
  });

  it('takes nothing away from another dump of its second when it is discarded', async () => {
    await r2.write(`${secondArchive}.json`, '{"somebody":"else"}');
    const failed = await admin.make();
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'DUMP_EXISTS' } });
    expect((await admin.ask('DELETE', `jobs/${failed.job_id}`)).status).toBe(200);
    expect(await r2.keys()).toContain(`${secondArchive}.json`);
  });
});

describe('an answer that got lost', () => {
  it.each(['.lock.json', 'index.json', 'latest.json'])(
    'after %s was written is no failure',
    async (key) => {
      await admin.make();
      plan('2026-05-02T00:00:00Z');
      loseAnswer(key);
      const job = await admin.make();
      expect(job).toMatchObject({ state: 'succeeded', error: null });
      expect((await json<Dump>('latest.json')).id).toBe(secondId);
      expect((await admin.ask('GET', 'jobs')).data).toMatchObject({ running: null });
    },
  );
});

describe('what somebody else has damaged', () => {
  beforeEach(async () => {
    await admin.make();
    plan('2026-05-02T00:00:00Z');
  });

  it.each([
    ['empty', ''],
    ['cut', '{"id":"2026'],
    ['null', 'null'],
    ['something else', '{"id":"../..","sha256":"../../etc/passwd"}'],
  ])('latest.json and index.json that are %s are derived anew', async (_, body) => {
    for (const key of ['latest.json', 'index.json']) await r2.write(`${prefix}${key}`, body);
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    // What the new dump was compared with is the one that latest.json had named.
    expect(admin.service.output()).toMatch(/"previous":"[^"]+previous[^"]+\.zip"/);
    expect((await json<Dump>('latest.json')).id).toBe(secondId);
    expect((await json<{ dumps: Dump[] }>('index.json')).dumps.map(({ id }) => id)).toEqual([
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
    const [whole] = (await admin.dumps()).dumps as [Dump];
    // Another one of the same day, which the damaged one must not hide either.
    const later = `${prefix}20260501T120000Z/datadump-2026-05-01.zip`;
    await r2.write(later, 'PK');
    await r2.write(`${later}.json`, body);
    for (let times = 0; times < 2; times += 1) {
      expect(await admin.dumps()).toMatchObject({ dumps: [whole], total: 1 });
    }
    const told = admin.service.output().match(/"warning":"[^"]*20260501T120000Z[^"]*"/g);
    expect(told).toHaveLength(1);
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    expect(await ids()).toEqual([secondId, firstId]);
    expect(await r2.keys()).toContain(firstArchive);
  });

  it.each(['javascript:alert(document.domain)', 'data:text/html,hello', '/somewhere'])(
    'a sidecar whose link is %s reaches no page',
    async (download_url) => {
      const [whole] = (await admin.dumps()).dumps as [Dump];
      const later = `${prefix}20260502T120000Z/datadump-2026-05-02.zip`;
      const dump = { ...whole, id: '20260502T120000Z', filename: 'datadump-2026-05-02.zip' };
      await r2.write(later, 'PK');
      await r2.write(`${later}.json`, JSON.stringify({ ...dump, download_url }));
      expect(await admin.dumps()).toMatchObject({ dumps: [whole], total: 1 });
    },
  );
});

describe('a dump that waits, published and discarded at once', () => {
  async function waiting(): Promise<string> {
    const { job_id, state } = await admin.make({ publish: false });
    expect(state).toBe('review');
    return job_id;
  }

  /** What discarding leaves: nothing, and a service that goes on. */
  async function expectDiscarded(id: string): Promise<void> {
    expect(await admin.over(id)).toMatchObject({ state: 'cancelled', publishable: false });
    expect(await ids()).toEqual([]);
    expect((await r2.keys()).join()).not.toContain(firstId);
    expect(listing(join(base, 'state', 'outbox'))).toEqual([]);
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  }

  it('is discarded when publishing still waits for the lock', async () => {
    const id = await waiting();
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    const isHeld = new Promise<void>((seen) => {
      proxy.before = ({ method, path }) => {
        if (method !== 'PUT' || !path.includes('.lock.json')) return Promise.resolve();
        seen();
        return held;
      };
    });
    const publishing = admin.ask('POST', `jobs/${id}/publish`);
    await isHeld;
    expect((await admin.ask('DELETE', `jobs/${id}`)).status).toBe(200);
    letGo();
    const refused = await publishing;
    expect([refused.status, refused.error]).toEqual([409, 'NOTHING_TO_PUBLISH']);
    await expectDiscarded(id);
  });

  it.each([0, 4, 16])('is the one or the other where %s ms lie in between', async (ms) => {
    const id = await waiting();
    const publishing = admin.ask('POST', `jobs/${id}/publish`);
    await sleep(ms);
    const [published, discarded] = await Promise.all([
      publishing,
      admin.ask('DELETE', `jobs/${id}`),
    ]);
    const { state, publishable } = await admin.over(id);
    expect(publishable).toBe(false);
    if (state === 'succeeded') {
      expect(published.status).toBe(202);
      expect(await ids()).toEqual([firstId]);
    } else {
      expect([200, 202]).toContain(discarded.status);
      expect(published.status).toBe(discarded.status === 200 ? 409 : 202);
      await expectDiscarded(id);
    }
  });
});
