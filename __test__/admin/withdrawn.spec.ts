/**
 * A dump that was stopped, discarded or taken back on its way out: the world reads the bucket, so that nothing of it may
 * be left there, under whatever name.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { listing, root } from '../support';
import type { Client, Dump } from '../support/admin/client';
import { faultyBucket, firstArchive, firstId } from '../support/admin/faulty-bucket';
import { prefix } from '../support/admin/places';
import { evaluate } from '../support/evaluate';
import type { Asked } from '../support/fault-proxy';

const stage = faultyBucket();

/** Holds the first request of this kind: resolves once it has come, and lets it go when it is told to. */
function hold(isSo: (asked: Asked) => boolean): { isHeld: Promise<void>; letGo: () => void } {
  let letGo = (): void => undefined;
  const held = new Promise<void>((done) => (letGo = done));
  const isHeld = new Promise<void>((seen) => {
    stage.proxy.before = (asked) => {
      if (!isSo(asked)) return Promise.resolve();
      seen();
      return held;
    };
  });
  return { isHeld, letGo };
}

const isOf = (method: string, { method: asked, path }: Asked, key = firstArchive): boolean =>
  asked === method && new URL(path, 'http://bucket').pathname.endsWith(key);
const isUp = (): boolean => stage.proxy.asked.some((asked) => isOf('PUT', asked));

/** Nothing of the dump is anywhere, and another one can be made. */
async function expectNothingLeft(admin: Client): Promise<void> {
  expect((await stage.r2.keys()).filter((key) => key.includes(firstId))).toEqual([]);
  expect(listing(join(stage.base, 'state', 'outbox'))).toEqual([]);
  stage.proxy.behave();
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
}

describe('a dump that is cancelled', () => {
  /** Cancels once such a request is under way, which ends only after that. */
  async function cancelAt(isSo: (asked: Asked) => boolean): Promise<void> {
    const { isHeld, letGo } = hold(isSo);
    const { job_id } = (await stage.admin.generate()).data;
    await isHeld;
    expect((await stage.admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(202);
    letGo();
    expect(await stage.admin.over(job_id)).toMatchObject({
      state: 'cancelled',
      publishable: false,
    });
    await expectNothingLeft(stage.admin);
  }

  it('while its archive goes up', () => cancelAt((asked) => isOf('PUT', asked)));

  it('while its archive is put together from parts', async () => {
    const plan = { at: '2026-05-01T00:00:00Z', bytes: 20_000_000 };
    writeFileSync(join(stage.base, 'plan.json'), JSON.stringify(plan));
    await cancelAt(
      (asked) =>
        isOf('POST', asked) && new URL(asked.path, 'http://x').searchParams.has('uploadId'),
    );
  });

  it('while it is read back', () => cancelAt((asked) => isOf('GET', asked) && isUp()));
});

describe('a dump that could not be published although its archive was up', () => {
  /** One that fails because its lock cannot be confirmed. */
  async function failed(): Promise<string> {
    stage.proxy.behave((asked) =>
      isUp() && isOf('PUT', asked, '.lock.json') ? 'broken' : undefined,
    );
    const { job_id, state, publishable } = await stage.admin.make();
    expect([state, publishable]).toEqual(['failed', true]);
    expect(await stage.r2.keys()).toContain(firstArchive);
    stage.proxy.behave();
    return job_id;
  }

  it('leaves nothing when it is discarded', async () => {
    const id = await failed();
    // The lock of a job that is over is free for its own service.
    expect((await stage.admin.ask('DELETE', `jobs/${id}`)).status).toBe(200);
    await expectNothingLeft(stage.admin);
  });

  it('is published or discarded after a restart, and never both', async () => {
    const { job_id } = await stage.admin.make({ publish: false });
    await stage.admin.service.stop();
    const admin = await stage.start('state');
    const { isHeld, letGo } = hold((asked) => isOf('PUT', asked, '.lock.json'));
    const publishing = admin.ask('POST', `jobs/${job_id}/publish`);
    await isHeld;
    expect((await admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(200);
    letGo();
    const refused = await publishing;
    expect([refused.status, refused.error]).toEqual([409, 'NOTHING_TO_PUBLISH']);
    expect(await admin.job(job_id)).toMatchObject({ state: 'cancelled', publishable: false });
    await expectNothingLeft(admin);
  });
});

describe('a dump that is taken back', () => {
  const takeBack = () => stage.admin.ask('DELETE', `data-dumps/${firstId}`);

  it.each([
    ['archive', firstArchive],
    ['sidecar', `${firstArchive}.json`],
  ])('can be taken back again when its %s could not be removed', async (_, key) => {
    await stage.admin.make();
    stage.proxy.behave((asked) => (isOf('DELETE', asked, key) ? 'broken' : undefined));
    expect((await takeBack()).status).toBe(503);
    // What is still there is shown; nothing points to it any more.
    expect(await stage.ids()).toEqual(key === firstArchive ? [firstId] : []);
    expect((await stage.json<{ dumps: Dump[] }>('index.json')).dumps).toEqual([]);
    stage.proxy.behave();
    expect((await takeBack()).status).toBe(200);
    await expectNothingLeft(stage.admin);
  });

  it('although its sidecar is damaged, or not there', async () => {
    for (const sidecar of ['{}', undefined]) {
      await stage.r2.write(firstArchive, 'PK');
      if (sidecar !== undefined) await stage.r2.write(`${firstArchive}.json`, sidecar);
      expect((await takeBack()).status).toBe(200);
      expect((await stage.r2.keys()).filter((key) => key.includes(firstId))).toEqual([]);
      expect((await takeBack()).status).toBe(404);
    }
  });
});

it('waits for a clock that is seconds ahead before a dump is made that nobody could publish', async () => {
  const ahead = new Date(Date.now() + 6_000).toISOString();
  stage.plan(ahead);
  expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
  writeFileSync(join(stage.base, 'plan.json'), '{}');
  expect(await stage.admin.make()).toMatchObject({ state: 'succeeded' });
});

it.each([
  ['a minute', 60_000, { status: 409, error: 'JOB_RUNNING' }],
  ['a day', 86_400_000, { status: 202 }],
])('takes a heartbeat that lies %s ahead for what it is', async (_, ms, answer) => {
  const heartbeat_at = new Date(Date.now() + ms).toISOString();
  const lock = { job_id: 'gone', kind: 'backup', token: 'gone', heartbeat_at };
  await stage.r2.write(`${prefix}.lock.json`, JSON.stringify(lock));
  expect(await stage.admin.generate()).toMatchObject(answer);
});

it('writes over no pointer that another instance has written since it looked at the list', () => {
  const store = pathToFileURL(join(root, 'dist', 'admin', 'storage', 'store.js')).href;
  const script = `
    const { createHash } = await import('node:crypto');
    const objects = new Map();
    const put = async (key, body) => void objects.set(key, { body, etag: createHash('sha256').update(body).digest('hex') });
    const counts = { total_artworks: 1, total_creators: 1, total_tags: 1, total_photos: 1 };
    const made = async (day) => {
      const filename = 'datadump-2026-05-' + day + '.zip';
      const dump = {
        id: '202605' + day + 'T000000Z', filename, size: 2, sha256: '0'.repeat(64), generated_at: '2026-05-' + day,
        complete: true, metadata: counts, warnings: [], download_url: 'http://localhost/',
      };
      const key = 'public-data-dumps/' + dump.id + '/' + filename;
      await put(key, Buffer.from('PK'));
      await put(key + '.json', Buffer.from(JSON.stringify(dump)));
      return dump;
    };
    const point = (...dumps) => put('public-data-dumps/index.json', Buffer.from(JSON.stringify({ dumps })));
    let looks = 0;
    const store = {
      get: async (key) => objects.get(key),
      list: async () => {
        const listed = [...objects.keys()].map((key) => ({ key, size: 2 }));
        looks += 1;
        if (looks === 2) await point(await made('03'), first, second);
        return listed;
      },
      put: async (key, body, _, { absent, etag }) => {
        if (absent ? objects.has(key) : objects.get(key)?.etag !== etag) throw new PreconditionFailed();
        await put(key, body);
      },
      remove: async (key) => void objects.delete(key),
    };
    const { PreconditionFailed } = await import(${JSON.stringify(store)});
    const first = await made('01');
    const second = await made('02');
    await point(first, second);
    const code = await new Catalogue(store, 'http://localhost', 9).takeBack(first.id).then(() => null, (error) => error.code);
    const { dumps } = JSON.parse(objects.get('public-data-dumps/index.json').body);
    return [code, dumps.map(({ id }) => id.slice(6, 8))];`;
  expect(evaluate('Catalogue', 'admin/storage/catalogue.js', script)).toEqual([
    'STORAGE_CHANGED',
    ['03', '01', '02'],
  ]);
});
