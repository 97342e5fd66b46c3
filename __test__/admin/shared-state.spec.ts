/** A state folder in which lies what is somebody else's: its names are common words. */

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { folder, listing } from '../support';
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
