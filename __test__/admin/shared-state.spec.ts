/** A state folder in which lies what is somebody else's: its names are common words. */

import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { folder, listing } from '../support';
import type { Job } from '../support/admin/client';
import { places } from '../support/admin/places';
import { evaluate } from '../support/evaluate';

const { base, client, inFolder, plan } = places();

const theirs = [
  'outbox/letter.eml',
  'outbox/drafts/2026.eml',
  'previous/report.zip',
  'previous/years/2025.zip',
];

it('keeps what is theirs, and goes on beside it', async () => {
  const state = join(base(), 'state');
  for (const path of theirs) write(join(state, path), 'theirs');
  // A record that a program for keeping folders alike has named, and some that are none.
  const records = { 'none.json': '{}', 'list.json': '[]', 'null.json': 'null', 'cut.json': '{"id' };
  for (const [name, text] of Object.entries(records)) write(join(state, 'jobs', name), text);

  plan({});
  let admin = await client(inFolder(), 'state');
  const made = await admin.make();
  expect(made.state).toBe('succeeded');
  await admin.service.stop();
  write(join(state, 'jobs', `${made.job_id} (copy).json`), JSON.stringify({ id: made.job_id }));
  admin = await client(inFolder(), 'state');
  plan({ artworks: 4 });
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });

  const { data } = await admin.ask<{ jobs: readonly { job_id: string }[] }>('GET', 'jobs');
  expect(data.jobs.map(({ job_id }) => job_id)).toEqual([expect.any(String), made.job_id]);
  for (const name of ['none', 'list', 'null', 'cut']) {
    expect((await admin.ask('GET', `jobs/${name}`)).status).toBe(404);
  }
  expect(listing(state)).toEqual(expect.arrayContaining(theirs));
  // Of the dumps before, the last one alone.
  const kept = listing(join(state, 'previous')).filter((name) => /^[0-9a-f]{64}/.test(name));
  expect(kept).toHaveLength(1);
});

it('starts beside records of jobs that it cannot read, says so, and throws away no dump of theirs', async () => {
  const state = join(base(), 'state');
  plan({});
  const before = await client(inFolder());
  const waits = await before.make({ publish: false });
  const published = await before.make();
  await before.service.stop();
  const record = join(state, 'jobs', `${published.job_id}.json`);
  const known = JSON.parse(readFileSync(record, 'utf8')) as object;
  const idOf = (n: number): string => String(n).padStart(36, '0');
  const changed = [
    { id: published.job_id },
    { state: 'running', instance: undefined },
    { state: 'running', instance: null },
    { state: 'paused' },
    { kind: 'list' },
    { kept: { path: record } },
  ].map((change) => (id: string) => ({ ...known, id, ...change }));
  const strange = [{}, null, 5, []]
    .map(
      (value): ((id: string) => unknown) =>
        () =>
          value,
    )
    .concat(changed);
  strange.forEach((text, n) => {
    write(join(state, 'jobs', `${idOf(n)}.json`), JSON.stringify(text(idOf(n))));
    write(join(state, 'outbox', idOf(n), 'datadump-2026-05-01.zip'), 'PK');
  });
  write(join(state, 'outbox', idOf(99), 'datadump-2026-05-01.zip'), 'PK');

  const admin = await client(inFolder());
  expect(await admin.make()).toMatchObject({ state: 'succeeded' });
  const { data } = await admin.ask<{ jobs: readonly Job[] }>('GET', 'jobs');
  const ids = data.jobs.map(({ job_id }) => job_id);
  expect(ids).toEqual([expect.any(String), published.job_id, waits.job_id]);
  for (const [n] of strange.entries()) {
    expect((await admin.ask('GET', `jobs/${idOf(n)}`)).status).toBe(404);
    expect((await admin.ask('DELETE', `jobs/${idOf(n)}`)).status).toBe(404);
    const told = admin.service.output().split(`${idOf(n)}.json cannot be read`);
    expect(told).toHaveLength(2);
  }
  const kept = listing(join(state, 'outbox')).filter((name) => name.endsWith('.zip'));
  expect(kept.map((name) => name.split(/[/\\]/)[0])).toEqual(
    expect.arrayContaining([waits.job_id, ...strange.map((_, n) => idOf(n))]),
  );
  expect(kept).toHaveLength(strange.length + 1);
});

it('forgets nonces, and nothing else of their folder', () => {
  const path = folder();
  const old = new Date('2026-01-01T00:00:00Z');
  const nonce = 'f'.repeat(64);
  for (const name of ['notes.txt', nonce]) {
    write(join(path, name), '');
    utimesSync(join(path, name), old, old);
  }
  const script = `return new Nonces(${JSON.stringify(path)}, 120_000).spend('a nonce of now');`;
  expect(evaluate('Nonces', 'admin/auth/nonces.js', script)).toBe(true);
  expect(listing(path)).toContain('notes.txt');
  expect(listing(path)).not.toContain(nonce);
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
