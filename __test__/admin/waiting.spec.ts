/** What they are told who wait for the end of a job. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { places, prefix } from '../support/admin/places';

const { base, client, inFolder, plan } = places();

it('that somebody else has cancelled it, which is no defect', async () => {
  const admin = await client(inFolder());
  plan({ until: join(base(), 'never') });
  const waiting = admin.generate({}, 60);
  let id: string | undefined;
  while (id === undefined) {
    const { running } = (await admin.ask<{ running: { job_id: string } | null }>('GET', 'jobs'))
      .data;
    id = running?.job_id;
  }
  expect((await admin.ask('DELETE', `jobs/${id}`)).status).toBe(202);
  expect(await waiting).toMatchObject({
    status: 409,
    error: 'DATA_DUMP_GENERATION_FAILED',
    details: { code: 'CANCELLED', job_id: id },
  });
  // Who it was that started it can be told from the audit, too.
  const started =
    '"action":"data_dump.generate","subject":"%","outcome":"DATA_DUMP_GENERATION_FAILED"';
  expect(admin.service.output()).toContain(started.replace('%', id));
  expect(admin.service.output()).not.toContain('"error":');
});

it('that the dump before is gone, which somebody has to decide about', async () => {
  const admin = await client(inFolder());
  plan({ at: '2026-01-01T00:00:00Z' });
  await admin.make();
  rmSync(join(base(), 'public', prefix, '20260101T000000Z', 'datadump-2026-01-01.zip'));
  rmSync(join(base(), 'state', 'previous'), { recursive: true });
  plan({ at: '2026-01-02T00:00:00Z' });
  expect(await admin.generate({}, 20)).toMatchObject({
    status: 409,
    error: 'DATA_DUMP_GENERATION_FAILED',
    details: { code: 'PREVIOUS_DAMAGED' },
  });
  expect(admin.service.output()).not.toContain('"error":');
});

it('how it ended, however the header is written that says how long they wait', async () => {
  const admin = await client(inFolder());
  plan({});
  const prefer = 'respond-async, Wait="20"';
  const { status, headers } = await admin.ask('POST', 'data-dump/generate', {}, { prefer });
  expect([status, headers.get('preference-applied')]).toEqual([200, 'wait=20']);
});
