/** What stays true of what is published when the storage breaks, or a process dies, in the middle. */

import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { listing } from '../support';
import type { Dump, Job } from '../support/admin/client';
import { latest, places } from '../support/admin/places';
import { boundByModes, onTmpfs } from '../support/process';

const { base, client, inBucket, inFolder, plan } = places();

describe('a bucket that breaks', () => {
  it('never shows half a dump, and the file that was made can be sent again', async () => {
    const place = await inBucket();
    const admin = await client(place);
    plan({ at: '2026-05-01T00:00:00Z' });
    await admin.make();
    plan({ at: '2026-05-02T00:00:00Z', bytes: 20_000_000 });
    const review = await admin.make({ publish: false });
    place.wire.cutAfter(9_000_000);
    await admin.ask('POST', `jobs/${review.job_id}/publish`);
    const failed = await admin.over(review.job_id);
    expect(failed).toMatchObject({
      state: 'failed',
      publishable: true,
      error: { code: 'STORAGE_UNAVAILABLE' },
    });
    expect(failed.error?.message).toContain(join(base(), 'state', 'outbox'));
    expect((await latest(place))?.id).toBe('20260501T000000Z');
    expect((await admin.ask('GET', 'data-dumps')).status).toBe(503);

    place.wire.mend();
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
    // Two of its parts of 8 MiB go up at a time.
    place.wire.stallAfter(20_000_000);
    const { job_id } = (await before.generate()).data;
    await before.until(
      job_id,
      ({ progress }) => progress?.phase === 'upload' && progress.bytes > 0,
    );
    await before.service.stop('SIGKILL');
    place.wire.mend();
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
    mkdirSync(join(base(), 'public'));
    const admin = await client(place, 'state', {}, onTmpfs(join(base(), 'public'), 'size=4m'));
    const day = (n: number): string => `2026-01-0${n}T03:00:00Z`;
    plan({ bytes: 1_500_000, at: day(1) });
    expect(await admin.make()).toMatchObject({ state: 'succeeded' });
    plan({ bytes: 3_000_000, at: day(2) });
    const failed = await admin.make();
    expect(failed).toMatchObject({
      state: 'failed',
      publishable: true,
      error: { code: 'STORAGE_FULL' },
    });
    expect(failed.error?.message).toMatch(/DUMPS_DIR.* is full: .*is kept and can be sent again/);
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

it('says of a dump whose file somebody has removed that it is gone, and discards it', async () => {
  const admin = await client(inFolder());
  plan({});
  const { job_id } = await admin.make({ publish: false });
  const outbox = join(base(), 'state', 'outbox');
  rmSync(join(outbox, job_id), { recursive: true });
  await admin.ask('POST', `jobs/${job_id}/publish`);
  const failed = await admin.over(job_id);
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'NOTHING_TO_PUBLISH' } });
  expect(failed.error?.message).toMatch(/file of the dump is gone: discard it/);
  expect((await admin.ask('DELETE', `jobs/${job_id}`)).status).toBe(200);
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
});

it('publishes a dump that waits although its state folder was moved meanwhile', async () => {
  const place = inFolder();
  const before = await client(place);
  plan({ at: '2026-05-05T00:00:00Z' });
  const { job_id } = await before.make({ publish: false });
  await before.service.stop();
  renameSync(join(base(), 'state'), join(base(), 'moved'));
  const after = await client(place, 'moved');
  expect((await after.ask('POST', `jobs/${job_id}/publish`)).status).toBe(202);
  expect(await after.over(job_id)).toMatchObject({ state: 'succeeded' });
  expect((await latest(place))?.id).toBe('20260505T000000Z');
  expect(listing(join(base(), 'moved', 'outbox'))).toEqual([]);
});

it('makes a dump although somebody has removed the folder in which it is made', async () => {
  const admin = await client(inFolder());
  rmSync(join(base(), 'state', 'outbox'), { recursive: true });
  plan({});
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
});

it('lists no backups where somebody has removed their folder', async () => {
  const admin = await client(inFolder());
  rmSync(join(base(), 'backups'), { recursive: true });
  const none = await admin.ask('GET', 'backups');
  expect(none).toMatchObject({ status: 200, data: { backups: [], last_good: null } });
});

it('tells a backup as made although no note of it can be kept', async () => {
  const admin = await client(inFolder());
  const notes = join(base(), 'state', 'backups');
  rmSync(notes, { recursive: true });
  writeFileSync(notes, 'in the way');
  plan({ at: '2026-07-01T00:00:00Z' });
  const wait = { prefer: 'wait=30' };
  const made = await admin.ask<Job>('POST', 'backup/generate', {}, wait);
  const filename = 'backup-2026-07-01-000000.zip';
  expect(made).toMatchObject({ status: 200, data: { state: 'succeeded', result: { filename } } });
  expect(admin.service.output()).toMatch(/"warning":"[^"]*backup-2026-07-01-000000\.zip/);
  expect((await admin.ask('GET', 'backups')).data).toMatchObject({
    last_good: filename,
    backups: [{ filename, complete: true }],
  });
});

// A tmpfs in a mount namespace: the other systems have no such thing.
(process.platform === 'linux' ? it : it.skip)(
  'says that the state folder is full when the dump before does not fit into it',
  async () => {
    const place = inFolder();
    plan({ bytes: 2_000_000, at: '2026-01-01T03:00:00Z' });
    expect(await (await client(place, 'roomy')).make()).toMatchObject({ state: 'succeeded' });
    mkdirSync(join(base(), 'narrow'));
    const narrow = onTmpfs(join(base(), 'narrow'), 'size=1m');
    const admin = await client(place, 'narrow', {}, narrow);
    const refused = await admin.generate({}, 60);
    expect(refused).toMatchObject({ status: 503, details: { code: 'STATE_UNWRITABLE' } });
    expect(refused.message).toMatch(/state folder/);
    expect(admin.service.output()).toContain('ENOSPC');
  },
);

// Permissions of folders are those of POSIX.
(process.platform === 'win32' ? it.skip : it)(
  'tells a dump as published although its working folder cannot be removed',
  async () => {
    const admin = await client(inFolder(), 'state', {}, boundByModes());
    plan({});
    const { job_id } = await admin.make({ publish: false });
    const outbox = join(base(), 'state', 'outbox');
    chmodSync(outbox, 0o500);
    try {
      await admin.ask('POST', `jobs/${job_id}/publish`);
      expect(await admin.over(job_id)).toMatchObject({ state: 'succeeded', publishable: false });
      expect(admin.service.output()).toContain('EACCES');
    } finally {
      chmodSync(outbox, 0o700);
    }
    // What was left goes after the next job.
    plan({ at: '2199-01-01T00:00:00Z' });
    await admin.make();
    while (listing(outbox).length > 0) await sleep(20);
  },
);
