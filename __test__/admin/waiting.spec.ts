/** What they are told who wait for the end of a job. */

import { places } from '../support/admin/places';

const { client, inFolder, plan } = places();

it('that somebody else has cancelled it, which is no defect', async () => {
  const admin = await client(inFolder());
  plan({ ms: 20_000 });
  const waiting = admin.generate({}, 20);
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
  expect(admin.service.output()).not.toContain('"error":');
});
