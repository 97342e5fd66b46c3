/** The audit: what becomes of a service whose lines nobody can keep, and the key of its names. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, removeFolders } from '../support';
import { issuer, jwt, organization, panelOrigin, publicKey } from '../support/admin/callers';
import { emptyService, evaluate } from '../support/evaluate';

let base: string;

beforeEach(() => {
  base = folder();
});

afterEach(removeFolders);

/** What a script says in which there is the service, whose backups take no time. */
function inService(onAudit: string, script: string): unknown {
  const engine = `{
    createBackup: async () => ({
      filename: 'backup.zip', size: 1, sha256: '', complete: true, warnings: [], metadata: { created_at: '' },
    }),
  }`;
  const service = emptyService(base, `onAudit: ${onAudit}, engine: ${engine}`);
  return evaluate('createAdminApp', 'admin/index.js', `${service} ${script}`);
}

it.each([
  ['throws', "() => { throw new Error('nobody listens') }"],
  ['fails later', "async () => { throw new Error('nobody listens') }"],
])('a keeper of its lines that %s stops no job, and no answer', (_, onAudit) => {
  const script = `
    const { setTimeout: sleep } = await import('node:timers/promises');
    const refused = await ask('GET', 'jobs', { token: 'another' });
    const statuses = [];
    const states = [];
    for (let nth = 0; nth < 2; nth += 1) {
      const { status, data } = await ask('POST', 'backup/generate');
      statuses.push(status);
      let job;
      do {
        await sleep(20);
        job = (await ask('GET', 'jobs/' + data.job_id)).data;
      } while (job.state === 'running');
      states.push(job.state);
    }
    return [refused.status, statuses, states];`;
  expect(inService(onAudit, script)).toEqual([401, [202, 202], ['succeeded', 'succeeded']]);
});

it('calls an admin by the same name after a restart, and by none that a damaged key would make', () => {
  const nameOf = (): unknown =>
    inService(
      "({ actor, action }) => { globalThis.actor = action === 'backup.generate' ? actor : globalThis.actor }",
      "await ask('POST', 'backup/generate'); return globalThis.actor;",
    );
  const name = nameOf();
  expect(name).toMatch(/^adm_[0-9a-f]{12}$/);
  expect(nameOf()).toBe(name);
  // What a killed service left is told to an audit that is not there then.
  const jobs = join(base, 'state', 'jobs');
  for (const name of readdirSync(jobs)) {
    const job = JSON.parse(readFileSync(join(jobs, name), 'utf8')) as object;
    writeFileSync(join(jobs, name), JSON.stringify({ ...job, state: 'running' }));
  }
  const key = join(base, 'state', 'audit-key');
  const whole = readFileSync(key, 'utf8');
  for (const half of ['', whole.slice(0, 20)]) {
    writeFileSync(key, half);
    expect(nameOf).toThrow(/audit-key is damaged: bring it back, or remove it/);
  }
});

it('has a few lines a minute of whom it does not let in, whatever the reason: anybody could fill its disk', () => {
  const auth = {
    jwt: {
      key: publicKey,
      issuer,
      organizationId: organization,
      authorizedParties: [panelOrigin],
    },
  };
  const asked = (token: string, body: string | null): unknown =>
    evaluate(
      'createAdminApp',
      'admin/index.js',
      `const outcomes = [];
       const onAudit = ({ outcome }) => outcomes.push(outcome);
       ${emptyService(base, `auth: ${JSON.stringify(auth)}, rateLimits: { refusals: 3 }, onAudit`)}
       const statuses = [];
       for (let nth = 0; nth < 6; nth += 1) {
         const request = { token: '${token}', body: ${JSON.stringify(body)} };
         statuses.push((await ask('POST', 'backup/generate', request)).status);
       }
       return [statuses, outcomes];`,
    );
  // An account on the site, which anybody can have; a body that is too large, which is looked at before who sends it.
  const answers = [asked(jwt({ org_role: 'org:member' }), null), asked('-', 'x'.repeat(70_000))];
  expect(answers).toEqual(
    ([403, 413] as const).map((status) => {
      const code = status === 403 ? 'FORBIDDEN' : 'PAYLOAD_TOO_LARGE';
      return [
        [status, status, status, 429, 429, 429],
        [code, code, code, 'RATE_LIMITED'],
      ];
    }),
  );
});
