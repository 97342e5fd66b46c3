/** A bucket that fails beside publishing: when what is old goes, and when a dump is read. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { faultyBucket, firstArchive, firstId } from '../support/admin/faulty-bucket';
import { prefix } from '../support/admin/places';

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
