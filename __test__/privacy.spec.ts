/** Nothing about anybody leaves: secrets planted wherever the platform keeps any, in every schema it has had. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { removeFolders } from './support';
import { Archive, known, photo, plant } from './support/planted';
import { full, seed } from './support/random';
import { embeddings, entriesOf, leaks } from './support/secrets';
import { Strange } from './support/strange';
import { tool } from './support/tools';

afterEach(removeFolders);

const schemas = ['first-generation', 'between', 'newest-generation'] as const;

describe.each(schemas)('secrets in the %s schema', (schema) => {
  it('do not leave in any spelling, by any way', async () => {
    const archive = new Archive(schema);
    const values = plant(archive);
    const identifiers = Object.values(values);
    const spelled = identifiers.flatMap(embeddings);

    const key = `originals/2025/09/04/${archive.secret('photo name')}.jpg`;
    const path = join(archive.dir, 'photos', key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, photo(archive, 'a photo'));

    const photos = [{ url: key, credit: `photo by ${values.email}` }];
    const tags = {
      // Where the first schema kept the photos of a work.
      ...(archive.has('artwork', 'photos') ? {} : { _photos: photos }),
      material: 'bronze',
      image: key,
      views: [`https://photos.publicartregistry.com/${key}`],
      inscription: `Given by ${values.email}`,
      email: archive.secret('tags.email'),
      notes: {
        deep: [{ user_token: archive.secret('tags deep') }, { kind: `x ${values.uuid} y` }],
      },
      [`seen by ${values.clerk}`]: archive.secret('tag named by an identifier'),
      _internal: archive.secret('tags._internal'),
      submitter_name: archive.secret('tags.submitter_name'),
    };
    archive.work('w1', 'approved', {
      title: `By ${values.uuid}`,
      description: spelled.map((each) => `see ${each} there`).join('\n'),
      tags: JSON.stringify(tags),
      photos: JSON.stringify(photos),
      artist_names: JSON.stringify([`Ann ${values.ipv4}`]),
    });
    spelled.forEach((each, nth) => {
      archive.work(`spelled-${String(nth)}`, 'approved', {
        title: each,
        tags: JSON.stringify({ note: [each] }),
      });
    });
    for (const status of ['pending', 'rejected', 'removed']) {
      archive.work(`of-${status}`, status, {
        title: archive.secret(`title of ${status}`),
        description: archive.secret(`description of ${status}`),
        tags: JSON.stringify({
          [archive.secret(`tag of ${status}`)]: archive.secret(`value of ${status}`),
        }),
        photos: JSON.stringify([
          `originals/2025/09/04/${archive.secret(`photo of ${status}`)}.jpg`,
        ]),
      });
      for (const [table, creator, owner] of [
        ['artwork_artists', 'artist_id', 'artists'],
        ['artwork_creators', 'creator_id', 'creators'],
      ] as const) {
        const name = archive.secret(`creator of ${status}`);
        archive.add(owner, { id: `c-${status}`, name, status: 'approved' });
        archive.add(table, {
          id: `l-${status}`,
          artwork_id: `of-${status}`,
          [creator]: `c-${status}`,
          role: 'primary',
        });
      }
      archive.add('tags', {
        id: `t-${status}`,
        artwork_id: `of-${status}`,
        label: archive.secret(`label of ${status}`),
        value: 'x',
      });
    }
    archive.add('artists', {
      id: 'a1',
      name: `Ann of ${values.email}`,
      aliases: JSON.stringify([values.clerk]),
      tags: JSON.stringify({ bio: values.token }),
      status: 'approved',
      description: `at ${values.ipv6}`,
    });
    archive.add('creators', { id: 'a1', name: `Ann of ${values.email}`, bio: `at ${values.ipv6}` });
    archive.add('artwork_artists', {
      id: 'l1',
      artwork_id: 'w1',
      artist_id: 'a1',
      role: values.uuid,
    });
    archive.add('artwork_creators', {
      id: 'l1',
      artwork_id: 'w1',
      creator_id: 'a1',
      role: values.uuid,
    });
    archive.add('tags', {
      id: 't1',
      artwork_id: 'w1',
      logbook_id: null,
      label: 'inscription',
      value: `for ${values.uuid}`,
    });
    archive.write();

    const {
      path: made = '',
      metadata,
      warnings,
    } = await archive.dump({
      photos: { directory: join(archive.dir, 'photos') },
    });
    expect(leaks(made, archive.secrets)).toEqual([]);
    expect(JSON.stringify({ metadata, warnings })).not.toContain(values.uuid);
    expect(metadata.counts.total_photos).toBe(1);
    for (const count of Object.values(metadata.privacy.redactions))
      expect(count).toBeGreaterThan(0);
    expect(entriesOf(made).get('artwork.json')?.toString()).toContain('bronze');
    tool('unzip', ['-tqq', made]);
  }, 60_000);

  it.each(Array.from({ length: full ? 40 : 3 }, (_, round) => seed + round))(
    'in columns and tables that nobody knows stay in, and each column is named to the operator (seed %i)',
    async (start) => {
      const strange = new Strange(start);
      const plain = new Archive(schema);
      const tables = Object.keys(known).filter((table) => plain.has(table));
      const added = tables.flatMap((table) =>
        strange.names(8).map((column) => ({ table, column, sql: strange.addition(table, column) })),
      );
      const made = strange.names(4).map((table) => {
        const columns = strange.names(8);
        return { table, columns, sql: strange.table(table, columns) };
      });
      const archive = new Archive(schema, [...added, ...made].map(({ sql }) => sql).join('\n'));
      plant(archive);
      const odd = (table: string): Record<string, string> =>
        Object.fromEntries(
          added
            .filter((each) => each.table === table)
            .map(({ column }) => [column, strange.content(archive.secret(`${table}.${column}`))]),
        );
      archive.work('w1', 'approved', odd('artwork'));
      archive.add('artists', { id: 'a1', name: 'Ada', status: 'approved', ...odd('artists') });
      archive.add('creators', { id: 'a1', name: 'Ada', ...odd('creators') });
      const link = { id: 'l1', artwork_id: 'w1', role: 'primary' };
      archive.add('artwork_artists', { ...link, artist_id: 'a1', ...odd('artwork_artists') });
      archive.add('artwork_creators', { ...link, creator_id: 'a1', ...odd('artwork_creators') });
      const tag = {
        id: 't1',
        artwork_id: 'w1',
        logbook_id: null,
        label: 'material',
        value: 'wood',
      };
      archive.add('tags', { ...tag, ...odd('tags') });
      archive.write();

      const { path = '', metadata, warnings } = await archive.dump();
      expect(leaks(path, archive.secrets)).toEqual([]);
      const unknown = warnings.filter(({ code }) => code === 'UNKNOWN_COLUMN');
      const named = unknown.map(({ subject }) => subject);
      const places = [
        ...added.map(({ table, column }) => `${table}.${column}`),
        ...made.flatMap(({ table, columns }) => columns.map((column) => `${table}.${column}`)),
      ];
      expect(places.filter((place) => !named.includes(place))).toEqual([]);
      expect(metadata.privacy.unknown_columns_excluded).toBe(named.length);
      const names = places.map((value) => ({ place: 'a name', value: value.replace(/^.*\./, '') }));
      expect(leaks(path, names)).toEqual([]);
      expect(entriesOf(path).get('artwork.json')?.toString()).toContain('"id":"w1"');
    },
    60_000,
  );
});

it('private JSON that does not parse hides no identifier', async () => {
  const archive = new Archive('newest-generation');
  const [user, other] = [randomUUID(), randomUUID()];
  const seen = '203.0.113.77';
  const half = JSON.stringify({ agent: 'Mozilla X', ip: seen, user_token: user });
  archive.add('audit_log', { id: 'l1', action_data: half.replace(' X', ' \\ud83d') });
  archive.add('audit_log', { id: 'l2', action_data: `{"n":1e400,"user_token":"${other}"} more` });
  archive.work('w1', 'approved', { description: `by ${user} from ${seen}, or ${other}` });
  archive.write();
  const { path: made = '' } = await archive.dump();
  const secrets = [user, other, seen].map((value) => ({ place: 'audit_log', value }));
  expect(leaks(made, secrets)).toEqual([]);
});

describe('onLeak', () => {
  it("'fail' names entry and column, never the value, and makes nothing", async () => {
    const archive = new Archive('newest-generation');
    const uuid = randomUUID();
    archive.add('users', { uuid, email: 'x@example.org' });
    archive.work('w1', 'approved', { description: `by ${uuid}` });
    archive.write();
    const failure = await archive
      .dump({ onLeak: 'fail' })
      .catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'PRIVACY_LEAK' });
    const { message } = failure as Error;
    expect(message).toContain('artwork.json');
    expect(message).toContain('users.uuid');
    expect(message).not.toContain(uuid);
    expect(readdirSync(archive.dir)).not.toContain('out');
  });
});
