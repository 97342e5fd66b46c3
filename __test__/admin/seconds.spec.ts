/** Dumps and backups are called by the second that they are made in: none gets the name of the one before it. */

import { folder, removeFolders } from '../support';
import { adminOptions, evaluate } from '../support/evaluate';

afterEach(removeFolders);

/** The time is that of a clock that goes slower than timers, from the beginning of a second on: each of them ends early. */
const slowClock = `
  const [second, begun] = [1_800_000_000_000, performance.now()];
  Date.now = () => second + Math.floor(0.8 * (performance.now() - begun));
  const { signal } = new AbortController();
  const instants = [];
  const instantOf = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z';`;

it('of a dump that is made right after another it is a later one', () => {
  const base = folder();
  const script = `${slowClock}
    const options = ${adminOptions(base)};
    const engine = {
      createDataDump: async () => {
        instants.push(instantOf(Date.now()));
        throw new Error('no more is needed');
      },
    };
    const sha256 = '0'.repeat(64);
    const catalogue = {
      latest: async () => ({ id: '20270115T080000Z', sha256, generated_at: instantOf(second) }),
      store: { read: async () => undefined },
    };
    const work = { job: { id: 'job' }, signal, report: () => undefined };
    await new DumpJobs(options, engine, catalogue, {}).make({ allow_shrink: true }, work).catch(() => undefined);
    return [instantOf(second), ...instants];`;
  expect(evaluate('DumpJobs', 'admin/jobs/dump.js', script)).toEqual([
    '2027-01-15T08:00:00Z',
    '2027-01-15T08:00:01Z',
  ]);
});

it('of a backup that is made right after another it is a later one', () => {
  const base = folder();
  const script = `${slowClock}
    const { writeFileSync } = await import('node:fs');
    const { join } = await import('node:path');
    const engine = {
      createBackup: async ({ outputDir }) => {
        const created_at = instantOf(Date.now());
        const filename = 'backup-' + created_at.slice(0, 19).replace('T', '-').replace(/:/g, '') + '.zip';
        writeFileSync(join(outputDir, filename), 'PK', { flag: 'wx' });
        instants.push(filename);
        return { filename, size: 2, sha256: '', complete: true, warnings: [], metadata: { created_at } };
      },
    };
    const jobs = new BackupJobs(${adminOptions(base)}, engine);
    for (let n = 0; n < 2; n += 1) await jobs.make({ signal, report: () => undefined });
    return instants;`;
  expect(evaluate('BackupJobs', 'admin/jobs/backup.js', script)).toEqual([
    'backup-2027-01-15-080000.zip',
    'backup-2027-01-15-080001.zip',
  ]);
});
