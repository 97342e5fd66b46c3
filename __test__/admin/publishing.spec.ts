/** What is published, in a folder and in a bucket. */

import { join } from 'node:path';

import { listing } from '../support';
import type { Dump } from '../support/admin/client';
import { people } from '../support/admin/people';
import { latest, type Place, places, prefix, sha256 } from '../support/admin/places';

const { base, client, inBucket, inFolder, plan } = places();

/** The id of the dump that is made at an instant. */
const idOf = (instant = ''): string => `${instant.slice(0, 19).replace(/[-:]/g, '')}Z`;

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
    expect(listing(join(base(), 'state', 'outbox'))).toEqual([]);
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
    // Both of one day: yesterday's where today is only minutes old.
    const now = Date.now();
    const second = now % 86_400_000 < 180_000 ? now - 240_000 : now - 60_000;
    const first = second - 60_000;
    const instants = [first, second].map((at) => new Date(at).toISOString());
    for (const at of instants) {
      plan({ at });
      await admin.make();
    }
    const page = await admin.dumps();
    expect(Object.keys(page).join()).toBe('dumps,total,page,limit,has_more,retrieved_at,replaced');
    const { dumps, total, replaced } = page;
    expect([total, dumps.map(({ id }) => id), replaced.map(({ id }) => id)]).toEqual([
      1,
      [idOf(instants[1])],
      [idOf(instants[0])],
    ]);
    const goes =
      Date.parse(replaced[0]?.goes_at ?? '') - Date.parse(`${instants[1]?.slice(0, 19)}Z`);
    expect(goes).toBe(86_400_000);
    expect((await place.keys()).filter((key) => key.endsWith('.zip'))).toHaveLength(2);
  });

  it('removes with a dump beyond those that are kept what it had replaced, which would be in its place', async () => {
    const place = await placed();
    const admin = await client(place, 'state', { DUMPS_KEEP: '1' });
    const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    // The first is not due before the last second of today.
    const instants = [-2000, -1000, 0].map((ms) => new Date(today + ms).toISOString());
    for (const at of instants) {
      plan({ at });
      expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    }
    const { dumps, replaced } = await admin.dumps();
    expect([dumps, replaced].map((some) => some.map(({ id }) => id))).toEqual([
      [idOf(instants[2])],
      [],
    ]);
    expect((await place.keys()).filter((key) => key.endsWith('.zip'))).toHaveLength(1);
  });

  it('points to what a dump is, and not to one of its second that another instance has taken back', async () => {
    const place = await placed();
    const admin = await client(place);
    const other = await client(place, 'other');
    const at = '2026-04-01T00:00:00Z';
    plan({ at });
    await admin.make();
    expect((await other.dumps()).total).toBe(1);
    expect((await admin.ask('DELETE', `data-dumps/${idOf(at)}`)).status).toBe(200);
    plan({ at, artworks: 4 });
    expect(await other.make()).toMatchObject({ state: 'succeeded' });
    const dump = await latest(place);
    expect(dump?.metadata['total_artworks']).toBe(4);
    for (const one of [admin, other]) expect((await one.dumps()).dumps).toEqual([dump]);
  });

  it('links to where the world reads dumps now, also those that were made when it was elsewhere', async () => {
    const place = await placed();
    const before = await client(place, 'state', { DUMPS_PUBLIC_URL: 'https://old.example' });
    plan({ at: '2026-04-01T00:00:00Z' });
    await before.make();
    await before.service.stop();
    const after = await client(place, 'state', { DUMPS_PUBLIC_URL: 'https://new.example/' });
    const linksOf = (dumps: readonly Dump[]): readonly string[] =>
      dumps.map(({ download_url }) => download_url);
    const link = (day: string): string =>
      `https://new.example/${prefix}202604${day}T000000Z/datadump-2026-04-${day}.zip`;
    expect(linksOf((await after.dumps()).dumps)).toEqual([link('01')]);
    plan({ at: '2026-04-02T00:00:00Z' });
    await after.make();
    const index = JSON.parse(String(await place.read(`${prefix}index.json`))) as { dumps: Dump[] };
    expect(linksOf(index.dumps)).toEqual([link('02'), link('01')]);
    expect((await latest(place))?.download_url).toBe(link('02'));
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
    expect(JSON.stringify(job)).not.toContain(base());
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
      error: {
        code: 'DUMP_OUTDATED',
        message: expect.stringMatching(
          /: discard this one\. The finished dump is kept: /,
        ) as string,
      },
    });
    expect((await admin.ask('DELETE', `jobs/${older.job_id}`)).status).toBe(200);
    expect(await admin.job(older.job_id)).toMatchObject({ state: 'cancelled', publishable: false });
    expect(listing(join(base(), 'state', 'outbox'))).toEqual([]);
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

  it('keeps nothing of a dump that cannot be looked into', async () => {
    const admin = await client(await placed());
    plan({ broken: true });
    expect(await admin.make({ publish: false })).toMatchObject({
      state: 'failed',
      publishable: false,
    });
    expect(listing(join(base(), 'state', 'outbox'))).toEqual([]);
  });

  it('says before it makes a dump that the latest is of the future', async () => {
    const place = await placed();
    const admin = await client(place);
    plan({ at: '2199-01-01T00:00:00Z' });
    await admin.make();
    plan({});
    const job = await admin.make();
    expect(job).toMatchObject({
      state: 'failed',
      publishable: false,
      error: { code: 'DUMP_OUTDATED' },
    });
    expect(job.error?.message).toMatch(/2199-01-01.*clock.*take that dump back/);
    await admin.ask('DELETE', 'data-dumps/21990101T000000Z');
    expect((await admin.make()).state).toBe('succeeded');
  });
});
