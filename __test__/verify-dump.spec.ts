/** verifyArchive of a data dump: what may not be public is found, and what is not as the format says. */

import Ajv2020 from 'ajv/dist/2020.js';

import { verifyArchive } from '../index.js';
import { folder, removeFolders } from './support';
import { dump, told } from './support/archives';
import { type Changes, rewrite } from './support/rewrite';
import { entriesOf } from './support/secrets';

afterEach(removeFolders);

describe('a data dump', () => {
  it.each<[string, Changes, RegExp]>([
    [
      'a field that no schema has',
      { substitute: { 'artwork.json': [['{"id":', '{"no_such":1,"id":']] }, sums: true },
      /artwork\.json: record 1 is not as its schema says/,
    ],
    [
      'an e-mail address',
      { substitute: { 'artwork.json': [['A lion of bronze', 'zq@example.org']] }, sums: true },
      /PRIVACY_LEAK artwork\.json/,
    ],
    [
      'a private tag',
      { substitute: { 'artwork.json': [['"tags":{', '"tags":{"user_token":"x",']] }, sums: true },
      /PRIVACY_LEAK artwork\.json: a tag of record 1/,
    ],
    [
      'a record fewer',
      { replace: { 'creators.json': '[]\n' }, sums: true },
      /creators\.json: it has another number of records/,
    ],
    [
      'another layout',
      { replace: { 'tags.json': '[ ]\n' }, sums: true },
      /tags\.json: .*array of records/,
    ],
    ['no licence', { delete: ['LICENSE.txt'], sums: true }, /LICENSE\.txt: every data dump has it/],
    [
      'another licence',
      { replace: { 'LICENSE.txt': 'mine' }, sums: true },
      /not the legal code of CC0/,
    ],
    [
      'another licence of the same length',
      { substitute: { 'LICENSE.txt': [['CC0 1.0', 'CC1 1.0']] }, sums: true },
      /not the legal code of CC0/,
    ],
    [
      'an e-mail address in a licence of the same length',
      { substitute: { 'LICENSE.txt': [['Creative Commons', '\nzq@example.org\n']] }, sums: true },
      /PRIVACY_LEAK LICENSE\.txt/,
    ],
    [
      'an e-mail address for the name of a column',
      {
        substitute: {
          'schemas/artwork.schema.json': [
            [
              '"properties": {\n      "id"',
              '"properties": {\n      "zq@example.org": { "description": "a column that the publisher added" },\n      "id"',
            ],
          ],
        },
        sums: true,
      },
      /PRIVACY_LEAK schemas\/artwork\.schema\.json/,
    ],
    [
      'another schema',
      { replace: { 'schemas/artwork.schema.json': '{}' }, sums: true },
      /not the schema of this format version/,
    ],
    [
      'a photo that no record lists',
      { add: { 'photos/thumbnails/x-1.jpg': 'x' }, sums: true },
      /x-1\.jpg: artwork\.json does not list it/,
    ],
    [
      'a table of users',
      { add: { 'users.json': '[]' }, sums: true },
      /users\.json: a data dump has no such entry/,
    ],
  ])('is not passed with %s', async (_, changes, message) => {
    const dir = folder();
    const report = await verifyArchive(rewrite(await dump(dir), dir, changes));
    expect(report.ok).toBe(false);
    expect(told(report).join('\n')).toMatch(message);
    expect(told(report).join('\n')).not.toContain('zq@example.org');
  });
});

it('tells what is wrong with a data dump in one order, whichever run it is', async () => {
  const dir = folder();
  const names = ['d', 'a', 'f', 'c', 'b', 'e'].map((name) => `photos/thumbnails/${name}-1.jpg`);
  const add = Object.fromEntries(names.map((name) => [name, 'x']));
  const report = await verifyArchive(rewrite(await dump(dir), dir, { add, sums: true }));
  const subjects = report.problems.map(({ subject = '' }) => subject);
  expect(subjects.filter((subject) => subject.startsWith('photos/'))).toEqual(names);
});

it('judges a record as others do who go by its schema', async () => {
  const dir = folder();
  const archive = await dump(dir);
  const schema = entriesOf(archive).get('schemas/artwork.schema.json')?.toString() ?? '';
  const { items } = JSON.parse(schema) as { items: { properties: object } };
  const sample = {
    ...{ id: 'a', title: 'b', lat: 1, tags: {}, license: 'c', created_at: 'then' },
    creators: [{ id: 'd', name: 'e' }],
    photos: [{ file: 'f', width: 1, height: 2, bytes: 3, sha256: 'g' }],
  };
  const values = [null, true, 1.5, -1, 2, 'x', [], ['x'], [1], [{}], [null], {}, { name: 1 }];
  const records: unknown[] = [sample];
  for (const change of [...Object.keys(items.properties), 'none']) {
    const rest = Object.fromEntries(Object.entries(sample).filter(([name]) => name !== change));
    records.push(rest, ...values.map((value) => ({ ...rest, [change]: value })));
  }
  const [photo] = sample.photos;
  for (const change of Object.keys(photo ?? {})) {
    for (const value of values) {
      records.push({ ...sample, photos: [photo, { ...photo, [change]: value }] });
    }
  }
  const lines = records.map((record) => JSON.stringify(record));
  const changes = {
    replace: { 'artwork.json': `[\n${lines.join(',\n')}\n]\n` },
    sums: true,
  } as const;
  const report = await verifyArchive(rewrite(archive, dir, changes));
  const refused = told(report).flatMap(
    (problem) => /record (\d+) is not as its schema says/.exec(problem)?.[1] ?? [],
  );
  const validate = new Ajv2020({ validateFormats: false }).compile(items);
  const wanted = records.flatMap((record, index) => (validate(record) ? [] : `${index + 1}`));
  expect(refused).toEqual(wanted);
  expect(records.length - wanted.length).toBeGreaterThan(20);
});
