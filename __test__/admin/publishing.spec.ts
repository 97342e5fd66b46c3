/** What is published, in a folder and in a bucket, and what stays true when something breaks meanwhile. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, listing, removeFolders } from '../support';
import { type Bucket, bucket } from '../support/admin/bucket';
import { Client, type Dump } from '../support/admin/client';
import { newestGeneration, people } from '../support/admin/people';
import { serveStandIn, stopServices } from '../support/admin/service';
import { onTmpfs } from '../support/process';

type Plan = Readonly<Record<string, unknown>>;

interface Place {
  readonly env: Readonly<Record<string, string>>;
  keys(): Promise<readonly string[]>;
  read(key: string): Promise<Buffer | undefined>;
}

const prefix = 'public-data-dumps/';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let r2: Bucket;
let base: string;

beforeAll(async () => {
  r2 = await bucket();
});

beforeEach(() => {
  base = folder();
});

afterEach(async () => {
  await stopServices();
  removeFolders();
  r2.wire.mend();
});

afterAll(() => r2.close());

function plan(what: Plan): void {
  writeFileSync(join(base, 'plan.json'), JSON.stringify(what));
}

/** A service with a state folder of its own, on the place that all of a test share. */
async function client(
  place: Place,
  state = 'state',
  env: Readonly<Record<string, string>> = {},
  wrapper: readonly string[] = [],
): Promise<Client> {
  const service = await serveStandIn(
    {
      SOURCE_DATABASE_FILE: newestGeneration(folder()),
      ADMIN_PLATFORM_ROWS: '1',
      ADMIN_STATE_DIR: join(base, state),
      BACKUP_OUTPUT_DIR: join(base, 'backups'),
      STAND_IN_PLAN: join(base, 'plan.json'),
      ...place.env,
      ...env,
    },
    wrapper,
  );
  return new Client(service, people.roleAdmin);
}

function inFolder(): Place {
  const root = join(base, 'public');
  return {
    env: { DUMPS_DIR: root },
    keys: () => Promise.resolve(listing(root).filter((name) => name.includes('.'))),
    read: (key) => {
      try {
        return Promise.resolve(readFileSync(join(root, key)));
      } catch {
        return Promise.resolve(undefined);
      }
    },
  };
}

async function inBucket(): Promise<Place> {
  await r2.empty();
  return r2;
}

/** What the world may rely on: latest.json names a dump that is whole. */
async function latest(place: Place): Promise<Dump | undefined> {
  const body = await place.read(`${prefix}latest.json`);
  if (body === undefined) return undefined;
  const dump = JSON.parse(body.toString()) as Dump;
  const key = `${prefix}${dump.id}/${dump.filename}`;
  const archive = await place.read(key);
  expect(archive && [archive.length, sha256(archive)]).toEqual([dump.size, dump.sha256]);
  const sidecar = await place.read(`${key}.json`);
  expect(JSON.parse(String(sidecar))).toEqual(dump);
  return dump;
}

describe.each<[string, () => Place | Promise<Place>]>([
  ['a folder', inFolder],
  ['a bucket', inBucket],
])('in %s', (_, placed) => {
  it('publishes a dump, whole, with nothing about whoever made it', async () => {
    plan({
      at: '2026-03-04T05:06:07Z',
      warnings: [{ code: 'X', message: 'Note', subject: 'work-1#2' }],
      operator_warnings: [{ code: 'Y', message: 'Unknown column', subject: 'secret_review' }],
    });
    const place = await placed();
    const admin = await client(place);
    const answer = await admin.generate({}, 30);
    expect(answer).toMatchObject({
      status: 200,
      success: true,
      data: {
        dump_id: '20260304T050607Z',
        filename: 'datadump-2026-03-04.zip',
        generated_at: '2026-03-04T05:06:07Z',
        metadata: { total_artworks: 3, total_creators: 2, total_tags: 5, total_photos: 4 },
      },
      warnings: ['Note (work-1#2)', 'Unknown column (secret_review)'],
    });
    expect(await place.keys()).toEqual([
      `${prefix}.lock.json`,
      `${prefix}20260304T050607Z/datadump-2026-03-04.zip`,
      `${prefix}20260304T050607Z/datadump-2026-03-04.zip.json`,
      `${prefix}index.json`,
      `${prefix}latest.json`,
    ]);
    const dump = await latest(place);
    if (dump === undefined) throw new Error('nothing is published');
    expect(dump.warnings).toEqual(['Note (work-1#2)']);
    expect(Object.keys(dump)).toEqual([
      'id',
      'filename',
      'size',
      'sha256',
      'generated_at',
      'complete',
      'metadata',
      'warnings',
      'download_url',
    ]);
    const index = JSON.parse(String(await place.read(`${prefix}index.json`))) as { dumps: Dump[] };
    expect(index.dumps).toEqual([dump]);
    expect((await admin.dumps()).dumps).toEqual([dump]);
    for (const key of await place.keys()) {
      const text = String(await place.read(key));
      expect(text).not.toContain(people.roleAdmin);
      expect(text).not.toContain('adm_');
      // What only the operator may know.
      expect(text).not.toContain('secret_review');
    }
    const url = dump.download_url.replace('http://localhost:0', admin.service.url);
    const download = await fetch(url);
    expect(sha256(Buffer.from(await download.arrayBuffer()))).toBe(dump.sha256);
    expect(listing(join(base, 'state', 'outbox'))).toEqual([]);
    // Nothing is fetched again that is here already.
    plan({ at: '2026-03-05T00:00:00Z' });
    await admin.make();
    expect(admin.service.output()).toMatch(/"previous":"[^"]+previous[^"]+\.zip"/);
  });

  it('lists one dump a day, keeps twelve, and pages through them', async () => {
    const place = await placed();
    const admin = await client(place);
    for (let day = 1; day <= 14; day += 1) {
      plan({ at: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z` });
      expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    }
    plan({ at: '2026-01-14T12:00:00Z' });
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    const ids = (await admin.dumps()).dumps.map(({ id }) => id);
    expect(ids).toEqual([
      '20260114T120000Z',
      ...[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map(
        (n) => `202601${String(n).padStart(2, '0')}T000000Z`,
      ),
    ]);
    const second = await admin.dumps('?page=3&limit=5');
    expect(second).toMatchObject({ total: 12, has_more: false });
    expect(second.dumps.map(({ id }) => id)).toEqual(ids.slice(10));
    expect(await admin.dumps('?page=2&limit=6')).toMatchObject({ has_more: false });
    expect(await admin.dumps('?page=1&limit=6')).toMatchObject({ has_more: true });
    expect(await admin.dumps('?page=9')).toMatchObject({ dumps: [], total: 12 });
    expect((await latest(place))?.id).toBe('20260114T120000Z');
    // One that was made on a day long gone, and replaced on that day, has had its day.
    expect((await place.keys()).join()).not.toContain('20260114T000000Z');
  });

  it('keeps a replaced dump of today for downloads under way', async () => {
    const place = await placed();
    const admin = await client(place);
    const today = new Date().toISOString().slice(0, 10);
    for (const time of ['00:00:00', '00:00:01']) {
      plan({ at: `${today}T${time}Z` });
      await admin.make();
    }
    expect((await admin.dumps()).total).toBe(1);
    expect((await place.keys()).filter((key) => key.endsWith('.zip'))).toHaveLength(2);
  });

  it('takes dumps back, and latest falls back', async () => {
    const place = await placed();
    const admin = await client(place);
    for (const day of ['01', '02']) {
      plan({ at: `2026-02-${day}T00:00:00Z` });
      await admin.make();
    }
    expect((await admin.ask('DELETE', 'data-dumps/20260202T000000Z')).status).toBe(200);
    expect((await latest(place))?.id).toBe('20260201T000000Z');
    expect((await admin.dumps()).dumps.map(({ id }) => id)).toEqual(['20260201T000000Z']);
    expect((await admin.ask('DELETE', 'data-dumps/20260202T000000Z')).status).toBe(404);
    expect((await admin.ask('DELETE', 'data-dumps/..%2f..%2fetc')).status).toBe(404);
    expect((await admin.ask('DELETE', 'data-dumps/20260201T000000Z')).status).toBe(200);
    expect(await place.keys()).toEqual([`${prefix}.lock.json`, `${prefix}index.json`]);
    expect(admin.service.output()).toMatch(
      /"action":"data_dump.take_back","subject":"20260202T000000Z","outcome":"done"/,
    );
  });

  it('holds a dump back for review until somebody publishes it', async () => {
    const place = await placed();
    const admin = await client(place);
    const operator_warnings = [{ code: 'Y', message: 'Unknown table', subject: 'secret_table' }];
    plan({ at: '2026-04-01T00:00:00Z', artworks: 9, operator_warnings });
    const job = await admin.make({ publish: false });
    expect(job).toMatchObject({ state: 'review', publishable: true });
    expect(job.result).toMatchObject({
      metadata: { total_artworks: 9 },
      warnings: [],
      operator_warnings: ['Unknown table (secret_table)'],
      redactions: { email: 1 },
      first_records: Array.from({ length: 5 }, (_each, n) => ({
        id: `work-${n}`,
        title: 'A "}{" work',
      })),
    });
    expect(JSON.stringify(job)).not.toContain(base);
    expect(await place.keys()).toEqual([`${prefix}.lock.json`]);
    expect((await admin.ask('POST', `jobs/${job.job_id}/publish`, {})).status).toBe(202);
    expect(await admin.over(job.job_id)).toMatchObject({
      state: 'succeeded',
      publishable: false,
      result: { operator_warnings: ['Unknown table (secret_table)'] },
    });
    expect(await latest(place)).toMatchObject({ id: '20260401T000000Z', warnings: [] });
    expect((await admin.ask('POST', `jobs/${job.job_id}/publish`, {})).status).toBe(409);

    plan({ at: '2026-03-01T00:00:00Z' });
    const older = await admin.make({ publish: false });
    await admin.ask('POST', `jobs/${older.job_id}/publish`);
    expect(await admin.over(older.job_id)).toMatchObject({
      state: 'failed',
      error: { code: 'DUMP_OUTDATED' },
    });
    expect((await admin.ask('DELETE', `jobs/${older.job_id}`)).status).toBe(200);
    expect(await admin.job(older.job_id)).toMatchObject({ state: 'cancelled', publishable: false });
    expect(listing(join(base, 'state', 'outbox'))).toEqual([]);
  });

  it('runs one job of either kind, across instances', async () => {
    const place = await placed();
    const [one, two] = [await client(place, 'one'), await client(place, 'two')];
    plan({ ms: 3000 });
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
    const both = await Promise.all([one.generate(), two.generate()]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
  });

  it('tells a job as interrupted after its process died, and lets go of the lock', async () => {
    const place = await placed();
    const before = await client(place);
    plan({ ms: 20_000 });
    const { job_id } = (await before.generate()).data;
    await before.until(job_id, ({ progress }) => progress !== null);
    await before.service.stop('SIGKILL');
    plan({});
    const after = await client(place);
    expect(await after.job(job_id)).toMatchObject({
      state: 'interrupted',
      error: { code: 'INTERRUPTED' },
    });
    expect(await after.make()).toMatchObject({ state: 'succeeded' });
    await latest(place);
    expect(listing(join(base, 'state', 'outbox'))).toEqual([]);
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
    plan({ ms: 20_000 });
    const { job_id } = (await before.generate()).data;
    await before.until(job_id, ({ progress }) => progress !== null);
    expect(await before.service.stop('SIGTERM')).toBe(0);
    const other = await client(place, 'two');
    plan({});
    expect(await other.make()).toMatchObject({ state: 'succeeded' });
    expect(await (await client(place, 'one')).job(job_id)).toMatchObject({ state: 'interrupted' });
  });

  it('tells a failure by its code, and a dump that shrank as such', async () => {
    const place = await placed();
    const admin = await client(place);
    plan({ code: 'DUMP_SHRUNK', message: 'artworks: 900 before, 3 now' });
    expect(await admin.make()).toMatchObject({
      state: 'failed',
      error: { code: 'DUMP_SHRUNK', message: 'artworks: 900 before, 3 now' },
    });
    expect(await admin.generate({}, 10)).toMatchObject({
      status: 409,
      error: 'DATA_DUMP_GENERATION_FAILED',
      details: { code: 'DUMP_SHRUNK' },
    });
    expect(await place.keys()).toEqual([`${prefix}.lock.json`]);
  });
});

describe('a bucket that breaks', () => {
  it('never shows half a dump, and the file that was made can be sent again', async () => {
    const place = await inBucket();
    const admin = await client(place);
    plan({ at: '2026-05-01T00:00:00Z' });
    await admin.make();
    plan({ at: '2026-05-02T00:00:00Z', bytes: 20_000_000 });
    const review = await admin.make({ publish: false });
    r2.wire.cutAfter(9_000_000);
    await admin.ask('POST', `jobs/${review.job_id}/publish`);
    const failed = await admin.over(review.job_id);
    expect(failed).toMatchObject({
      state: 'failed',
      publishable: true,
      error: { code: 'STORAGE_UNAVAILABLE' },
    });
    expect(failed.error?.message).toContain(join(base, 'state', 'outbox'));
    expect((await latest(place))?.id).toBe('20260501T000000Z');
    expect((await admin.ask('GET', 'data-dumps')).status).toBe(503);

    r2.wire.mend();
    await admin.ask('POST', `jobs/${review.job_id}/publish`);
    expect(await admin.over(review.job_id)).toMatchObject({ state: 'succeeded' });
    expect((await latest(place))?.id).toBe('20260502T000000Z');
  });

  it('lets a dump be sent again whose service was killed in the middle of the upload', async () => {
    const place = await inBucket();
    const before = await client(place);
    plan({ at: '2026-05-03T00:00:00Z' });
    await before.make();
    plan({ at: '2026-05-04T00:00:00Z', bytes: 30_000_000 });
    const { job_id } = (await before.generate()).data;
    await before.until(
      job_id,
      ({ progress }) => progress?.phase === 'upload' && progress.bytes > 0,
    );
    await before.service.stop('SIGKILL');
    expect((await latest(place))?.id).toBe('20260503T000000Z');

    const after = await client(place);
    expect(await after.job(job_id)).toMatchObject({ state: 'interrupted', publishable: true });
    expect((await after.dumps()).total).toBe(1);
    await after.ask('POST', `jobs/${job_id}/publish`);
    expect(await after.over(job_id)).toMatchObject({ state: 'succeeded' });
    expect((await latest(place))?.id).toBe('20260504T000000Z');
  });
});

// A tmpfs in a mount namespace: the other systems have no such thing.
(process.platform === 'linux' ? it : it.skip)(
  'shows no half of a dump that found the disk full, and sends it once there is room',
  async () => {
    const place = inFolder();
    mkdirSync(join(base, 'public'));
    const admin = await client(place, 'state', {}, onTmpfs(join(base, 'public'), 'size=4m'));
    const day = (n: number): string => `2026-11-0${n}T03:00:00Z`;
    plan({ bytes: 1_500_000, at: day(1) });
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    plan({ bytes: 3_000_000, at: day(2) });
    const failed = await admin.make();
    expect(failed).toMatchObject({ state: 'failed', publishable: true });
    expect(failed.error?.message).toContain('is kept and can be sent again');
    expect((await admin.latestPublic()).generated_at).toBe(day(1));

    expect((await admin.ask('POST', `jobs/${failed.job_id}/publish`)).status).toBe(202);
    expect(await admin.over(failed.job_id)).toMatchObject({ state: 'failed', publishable: true });
    const [first] = (await admin.dumps()).dumps as [Dump];
    expect((await admin.ask('DELETE', `data-dumps/${first.id}`)).status).toBe(200);
    expect((await admin.ask('POST', `jobs/${failed.job_id}/publish`)).status).toBe(202);
    expect(await admin.over(failed.job_id)).toMatchObject({ state: 'succeeded' });
    expect((await admin.latestPublic()).generated_at).toBe(day(2));
  },
);

describe('the folder, as the world sees it', () => {
  it('gives ranges, and nothing that is not published', async () => {
    const place = inFolder();
    plan({ at: '2026-06-01T00:00:00Z' });
    const admin = await client(place);
    await admin.make();
    writeFileSync(join(base, 'public', 'secret.txt'), 'secret');
    const url = `${admin.service.url}/${prefix}20260601T000000Z/datadump-2026-06-01.zip`;
    const archive =
      (await place.read(`${prefix}20260601T000000Z/datadump-2026-06-01.zip`)) ?? Buffer.alloc(0);
    const part = async (range: string): Promise<[number, Buffer, string | null]> => {
      const response = await fetch(url, { headers: { range } });
      const bytes = Buffer.from(await response.arrayBuffer());
      return [response.status, bytes, response.headers.get('content-range')];
    };
    const size = archive.length;
    expect(await part('bytes=2-5')).toEqual([206, archive.subarray(2, 6), `bytes 2-5/${size}`]);
    expect(await part('bytes=-4')).toEqual([
      206,
      archive.subarray(-4),
      `bytes ${size - 4}-${size - 1}/${size}`,
    ]);
    expect(await part(`bytes=${size - 2}-`)).toEqual([
      206,
      archive.subarray(-2),
      `bytes ${size - 2}-${size - 1}/${size}`,
    ]);
    expect((await part(`bytes=${size}-`))[0]).toBe(416);
    expect((await part('bytes=0-1,4-5')).slice(0, 2)).toEqual([200, archive]);
    const whole = await fetch(url);
    const etag = whole.headers.get('etag') ?? '';
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(archive);
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)]);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
    for (const path of [
      '.lock.json',
      '',
      '..%2fsecret.txt',
      '%2e%2e/secret.txt',
      '20260601T000000Z/',
      '20260601T000000Z/x',
    ]) {
      expect((await fetch(`${admin.service.url}/${prefix}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${admin.service.url}/secret.txt`)).status).toBe(404);
  });

  it('is not served while a private backup lies in it', async () => {
    const place = inFolder();
    await (await client(place)).service.stop();
    writeFileSync(join(base, 'public', 'backup-2026-01-02-030405.zip'), 'PK');
    await expect(client(place)).rejects.toThrow(/holds a private backup/);
  });
});
