/** What is public leaves: words and ids that only look private, content under odd names, and nothing else. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encode } from 'jpeg-js';

import { verifyArchive } from '../index.js';
import { removeFolders } from './support';
import { Archive } from './support/planted';
import { entriesOf, leaks, works } from './support/secrets';

afterEach(removeFolders);

describe('what is public', () => {
  it('is not harmed by words and public ids where identifiers are kept', async () => {
    const archive = new Archive('newest-generation');
    const [w1, a1] = [randomUUID(), randomUUID()];
    archive.add('users', {
      uuid: randomUUID(),
      email: 'contact@museum.example',
      profile_name: 'bronze',
    });
    archive.add('consent', { id: 'c', user_id: 'system', ip_address: 'unknown' });
    archive.add('submissions', {
      id: 's',
      user_token: 'deleted-user',
      submitter_name: 'Ada Okafor',
      artwork_id: w1,
    });
    archive.add('audit_log', {
      id: 'l1',
      entity_id: w1,
      user_token: 'system',
      action_data: JSON.stringify({ artwork_id: w1, user_id: w1 }),
    });
    archive.add('audit_log', { id: 'l2', entity_id: a1, user_token: a1 });
    const tags = {
      material: 'bronze',
      inscription: 'To the unknown sailor',
      participants: ['system', 'Ada Okafor'],
      'addr:street': '1 Mill Lane',
      source_url: 'https://example.org/x?y=1',
      wikipedia: 'en:Mural',
      description: 'deleted-user',
      condition: 'good',
      // As XML that was made JSON has it.
      name: { '@attributes': { lang: 'en' } },
      artwork_type: 'mural',
    };
    const description = `See also ${w1} by ${a1}.\n@artist.bsky.social\n\t@studio.art`;
    archive.work(w1, 'approved', {
      title: 'Unknown',
      description,
      tags: JSON.stringify(tags),
    });
    archive.add('artists', { id: a1, name: 'Ada Okafor', status: 'active', tags: '{}' });
    archive.add('artwork_artists', { artwork_id: w1, artist_id: a1, role: 'primary' });
    archive.write();
    const source = {
      name: 'Museum',
      url: 'https://museum.example',
      contact: 'contact@museum.example',
    };
    const { path: made = '', metadata } = await archive.dump({ source });
    expect(metadata.privacy.redactions).toEqual({ email: 0, user_id: 0, ip_address: 0, token: 0 });
    expect(works(made)).toEqual([
      expect.objectContaining({
        id: w1,
        title: 'Unknown',
        description,
        tags,
        type: 'mural',
        creators: [{ id: a1, name: 'Ada Okafor', role: 'primary' }],
      }),
    ]);
    expect(entriesOf(made).get('README.md')?.toString()).toContain('contact@museum.example');
  });

  it('is kept in all the same where its id would let somebody in', async () => {
    const archive = new Archive('newest-generation');
    const [user, artist] = [randomUUID(), randomUUID()];
    archive.add('users', { uuid: user, email: 'ann@example.org' });
    archive.work('w1', 'approved', { description: `by ${user} and ${artist}` });
    archive.work(user, 'pending');
    for (const [id, name] of [
      [user, 'Ann'],
      [artist, 'Bea'],
    ] as const) {
      archive.add('artists', { id, name, status: 'active', tags: '{}' });
      archive.add('artwork_artists', { artwork_id: 'w1', artist_id: id, role: 'primary' });
    }
    archive.write();
    const { path: made = '', metadata } = await archive.dump();
    expect(leaks(made, [{ place: 'users.uuid', value: user }])).toEqual([]);
    const artwork = entriesOf(made).get('artwork.json')?.toString() ?? '';
    expect(artwork).toContain(`by [redacted] and ${artist}`);
    expect(metadata.counts.total_creators).toBe(1);
  });

  it('keeps out pending photos that share a name with an approved one, and those of others', async () => {
    const archive = new Archive('newest-generation');
    const put = (key: string, shade: number): void => {
      const path = join(archive.dir, 'photos', key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        encode({ data: Buffer.alloc(8 * 8 * 4, shade), width: 8, height: 8 }, 90).data,
      );
    };
    put('originals/2025/09/04/a.jpg', 10);
    put('originals/2025/09/04/ab.jpg', 20);
    put('originals/2025/09/05/a.jpg', 30);
    const licensed = { url: 'originals/2025/09/05/a.jpg', license: 'CC BY-NC' };
    archive.work('yes', 'approved', {
      photos: JSON.stringify(['originals/2025/09/04/a.jpg', licensed]),
    });
    archive.work('no', 'pending', {
      photos: '["originals/2025/09/04/ab.jpg","originals/2025/09/05/a.jpg"]',
    });
    // What one row says of a photo's licence is true in another.
    archive.work('twin', 'approved', { photos: '["/photos/originals/2025/09/05/a.jpg"]' });
    archive.write();
    const { path: made = '', metadata } = await archive.dump({
      photos: { directory: join(archive.dir, 'photos') },
    });
    const photos = [...entriesOf(made).keys()].filter((name) => name.startsWith('photos/'));
    expect(photos).toEqual(['photos/thumbnails/yes-1.jpg']);
    expect(metadata.photos_missing).toEqual([
      { photo: 'twin#1', reason: 'other_license' },
      { photo: 'yes#2', reason: 'other_license' },
    ]);
  });
});

describe('names', () => {
  /** The tags of one work as they leave. */
  async function left(tags: unknown): Promise<unknown> {
    const archive = new Archive('newest-generation');
    archive.work('w1', 'approved', { tags: JSON.stringify(tags) });
    archive.write();
    const { path: made = '' } = await archive.dump();
    return works(made)[0]?.['tags'];
  }

  it('of editors and contacts stay in, however a tool spells them', async () => {
    const names = ['@user', 'CREATED_USER', 'last_edited_user', 'EditedBy', 'approved_by', 'tel'];
    const more = ['whatsapp', 'contact:tel:office', 'usertoken', 'meta.user', 'internal_notes'];
    const tags = Object.fromEntries([...names, ...more].map((name) => [name, 'Jane Smith']));
    const info = {
      pairs: [['phone', '604 555 0199']],
      traits: [{ trait: 'phone', value: '604 555 0199' }],
      broken: '{"phone":"604 555 0199", cut',
    };
    const kept = { painted_by: 'Ada Okafor', donated_by: 'the Guild', title: '[Untitled]' };
    expect(await left({ ...tags, info, ...kept })).toEqual({
      info: { pairs: [], traits: [{}] },
      ...kept,
    });
  });

  it('that are labels without a value are content', async () => {
    const labels = ['secret garden', 'telephone box', 'Session musicians', 'Phase 2: north'];
    const tags = Object.fromEntries(labels.map((label) => [label, true]));
    expect(await left([...labels, '_internal', 'phone: 604 555 0199'])).toEqual(tags);
    expect(await left({ 'Phase 2: north side': 'a', '- x': 'b', admin_level: '8' })).toEqual({
      'Phase 2: north side': 'a',
      '- x': 'b',
      admin_level: '8',
    });
  });
});

it('JSON that stands as text is redacted member by member, and the dump verifies', async () => {
  const archive = new Archive('newest-generation');
  const seen = '2001:db8::7';
  archive.add('rate_limiting', { identifier: seen, identifier_type: 'ip' });
  archive.work('w1', 'approved', {
    tags: JSON.stringify({
      info: JSON.stringify({ [`seen: ${seen}`]: 'x', deep: [`at ${seen}`], height: 2 }),
      plain: `${seen} {"phone":"604 555 0199"}`,
    }),
  });
  archive.write();
  const { path: made = '', metadata } = await archive.dump();
  expect(works(made)[0]?.['tags']).toEqual({ info: '{"deep":["at [redacted]"],"height":2}' });
  expect(metadata.privacy.redactions.ip_address).toBe(3);
  expect(await verifyArchive(made)).toMatchObject({ ok: true, problems: [] });
});

it('fields that the operator names leave or stay in as told', async () => {
  const archive = new Archive(
    'newest-generation',
    'ALTER TABLE artwork ADD COLUMN height_m; ALTER TABLE artwork ADD COLUMN donor_email',
  );
  archive.work('w1', 'approved', {
    height_m: 4.5,
    donor_email: 'zq@example.org',
    tags: '{"fee":"none","deep":[{"Fee":1,"x":2}]}',
  });
  archive.write();
  const { path: made = '', warnings } = await archive.dump({
    includeFields: ['artwork.height_m', 'artwork.donor_email', 'artwork.hieght_m'],
    extraBlacklist: ['fee'],
  });
  const [work] = works(made);
  expect(work).toMatchObject({ height_m: 4.5, tags: { deep: [{ x: 2 }] } });
  expect(work).not.toHaveProperty('donor_email');
  expect(warnings.map(({ code, subject }) => [code, subject])).toContainEqual([
    'FIELD_KEPT_IN',
    'artwork.donor_email',
  ]);
  expect(warnings).toContainEqual(
    expect.objectContaining({ code: 'FIELD_NOT_FOUND', subject: 'artwork.hieght_m' }),
  );
});

it('a row under another licence is not given away, however it says so', async () => {
  const archive = new Archive('newest-generation');
  archive.work('w1', 'approved', { tags: 'material: bronze' });
  archive.work('w2', 'approved', { tags: '{"osm_id": 123, "licence": "ODbL"' });
  archive.work('w3', 'approved', { tags: '{"license":"CC BY-NC 4.0","height":1e400}' });
  archive.work('w4', 'approved', { tags: '{"license":{"name":"CC BY 4.0"},"note":"cut \\ud83d"}' });
  archive.write();
  const { path: made = '', metadata } = await archive.dump();
  expect(works(made).map(({ id }) => id)).toEqual(['w1']);
  expect(metadata.filters.excluded_foreign).toEqual({
    'ODbL-1.0': 1,
    'CC-BY-4.0': 1,
    other: 1,
  });
});

it('what is told of a dump stands in the order of its metadata.json', async () => {
  const archive = new Archive('newest-generation');
  const licences = ['BY', 'BY-NC', 'BY-NC-ND', 'BY-NC-SA', 'BY-ND', 'BY-SA'];
  licences.forEach((licence, n) => {
    archive.work(`w${n}`, 'approved', { tags: JSON.stringify({ licence: `CC ${licence} 4.0` }) });
  });
  archive.work('w', 'approved', {});
  archive.write();
  const { path: made = '', metadata } = await archive.dump();
  expect(Object.keys(metadata.filters.excluded_foreign)).toHaveLength(licences.length);
  const text = entriesOf(made).get('metadata.json')?.toString() ?? '';
  expect(JSON.stringify(metadata)).toBe(JSON.stringify(JSON.parse(text)));
});
