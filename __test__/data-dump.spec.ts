/** What a data dump holds, in every schema, for every kind of reader. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { encode } from 'jpeg-js';

import { type Progress } from '../index.js';
import { removeFolders } from './support';
import { archive, dump, newest, oldest } from './support/dumps';
import { entriesOf } from './support/secrets';
import { send, Store } from './support/store';
import { judge, tool } from './support/tools';

afterEach(removeFolders);

type Rows = Record<string, unknown>[];

function rows(path: string | undefined, name: string): Rows {
  return JSON.parse(
    entriesOf(path ?? '')
      .get(name)
      ?.toString() ?? 'null',
  ) as Rows;
}

describe('the newest schema', () => {
  it('gives the records of the format', async () => {
    const { path, metadata, complete, warnings } = await dump(archive());
    expect(rows(path, 'artwork.json')).toEqual([
      {
        id: 'a1',
        title: 'Heron',
        description: 'By the mill.',
        lat: 49.25,
        lon: -123.125,
        type: 'mural',
        tags: {
          artwork_type: 'mural',
          material: ['steel', 'glass'],
          size: { height: 2.5, unit: 'm' },
          step_free: true,
        },
        creators: [{ id: 'c1', name: 'Ada Okafor', role: 'primary' }],
        photos: [
          expect.objectContaining({
            file: 'photos/thumbnails/a1-1.jpg',
            width: 800,
            height: 400,
          }),
        ],
        license: 'CC0-1.0',
        url: 'https://art.example/artwork/a1',
        created_at: '2025-01-02T03:04:05Z',
        updated_at: '2025-01-02T03:04:05Z',
      },
      expect.objectContaining({ id: 'a2', tags: { bronze: true, 'by hand': true }, lon: 2 }),
      expect.objectContaining({ id: 'a3', tags: {}, created_at: '2025-01-02T00:00:00Z' }),
    ]);
    expect(rows(path, 'artwork.json')[1]).not.toHaveProperty('lat');
    expect(rows(path, 'artwork.json')[1]).not.toHaveProperty('updated_at');
    expect(rows(path, 'creators.json')).toEqual([
      {
        id: 'c1',
        name: 'Ada Okafor',
        description: 'Works in steel.',
        aliases: ['A. O.'],
        tags: { website: 'https://ada.example' },
        url: 'https://art.example/artist/c1',
        created_at: '2025-01-02T03:04:05Z',
        updated_at: '2025-01-02T03:04:05Z',
      },
    ]);
    expect(rows(path, 'artwork_creators.json')).toEqual([
      {
        artwork_id: 'a1',
        creator_id: 'c1',
        role: 'primary',
        created_at: '2025-01-02T03:04:05Z',
      },
    ]);
    expect(rows(path, 'tags.json')).toEqual([
      { label: 'artwork_type', value: 'mural', count: 1, artwork_ids: ['a1'] },
      { label: 'bronze', value: 'true', count: 1, artwork_ids: ['a2'] },
      { label: 'by hand', value: 'true', count: 1, artwork_ids: ['a2'] },
      { label: 'material', value: 'glass', count: 1, artwork_ids: ['a1'] },
      { label: 'material', value: 'steel', count: 1, artwork_ids: ['a1'] },
      { label: 'size.height', value: '2.5', count: 1, artwork_ids: ['a1'] },
      { label: 'size.unit', value: 'm', count: 1, artwork_ids: ['a1'] },
      { label: 'step_free', value: 'true', count: 1, artwork_ids: ['a1'] },
    ]);
    expect(rows(path, 'metadata.json')).toStrictEqual(metadata);
    expect(metadata).toMatchObject({
      counts: { total_artworks: 3, total_creators: 1, total_tags: 8, total_photos: 1 },
      filters: { status: 'approved', excluded_foreign: { 'ODbL-1.0': 1 } },
      photos_missing: expect.arrayContaining([{ photo: 'a1#2', reason: 'not_found' }]) as unknown,
      thumbnails: { max_side: 800, format: 'image/jpeg', quality: 80 },
    });
    expect(complete).toBe(true);
    const told = warnings.map(({ code, subject }) => (subject ? `${code} ${subject}` : code));
    expect(told.sort()).toEqual([
      'FOREIGN_LICENSE',
      'PHOTO_DANGLING',
      'VALUE_LEFT_OUT artwork.lat',
      'VALUE_LEFT_OUT artwork.photos',
      'VALUE_LEFT_OUT artwork.tags',
      'VALUE_LEFT_OUT artwork.updated_at',
    ]);
  });

  it('keeps foreign works apart when asked to', async () => {
    const { path } = await dump(archive(), { foreignLicenses: 'separate', thumbnails: 'none' });
    expect(rows(path, 'artwork.json').map(({ id }) => id)).toEqual(['a1', 'a2', 'a3']);
    expect(rows(path, 'artwork-other-licenses.json')).toEqual([
      expect.objectContaining({ id: 'osm', license: 'ODbL-1.0', source: 'OpenStreetMap' }),
    ]);
    expect(JSON.stringify(rows(path, 'tags.json'))).not.toContain('ODbL');
  });
});

it('the first schema gives the same records', async () => {
  const { path, metadata } = await dump(archive('first-generation', oldest));
  expect(rows(path, 'artwork.json')).toEqual([
    {
      id: 'SAMPLE-1',
      lat: 49.25,
      lon: -123.125,
      type: 'mural',
      tags: { material: ['steel', 'glass'] },
      creators: [{ id: 'c1', name: 'Ada Okafor', role: 'artist' }],
      photos: [expect.objectContaining({ file: 'photos/thumbnails/SAMPLE-1-1.jpg' })],
      license: 'CC0-1.0',
      url: 'https://art.example/artwork/SAMPLE-1',
      created_at: '2025-01-02T03:04:05Z',
    },
  ]);
  expect(rows(path, 'creators.json')[0]).toMatchObject({ description: 'Works in steel.' });
  expect(metadata.counts).toMatchObject({ total_artworks: 1, total_creators: 1, total_tags: 2 });
});

describe('an archive for everybody', () => {
  it('takes no photo of a pending work for that of an approved one, however alike their names', async () => {
    const rows = `INSERT INTO artwork (id, title, lat, lon, photos, status, created_at, updated_at) VALUES
      ('a1', 'Heron', 1, 2, '["originals/2025/09/04/heron.jpg"]', 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
      ('a2', 'Lost', 1, 2, '["originals/2025/09/05/lost.jpg"]', 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05'),
      ('p1', 'Pending', 1, 2, '["originals/2025/09/08/lost.jpg", "originals/2025/09/05/lost-2.jpg"]', 'pending', '2025-01-02 03:04:05', '2025-01-02 03:04:05');`;
    const made = archive('newest-generation', rows);
    const pixels = encode({ data: Buffer.alloc(64 * 64 * 4, 0x40), width: 64, height: 64 }, 90);
    for (const key of [
      'originals/2025/09/08/lost.jpg',
      'originals/2025/09/05/lost-2.jpg',
      'originals/2025/09/05/lost.jpg.jpg',
      'artworks/2025/09/08/lost__400x400.jpg',
      'artworks/2025/09/05/lost-2__400x400.jpg',
      'thumbnails/2025/09/08/lost.jpg',
    ]) {
      const photo = join(made.dir, 'photos', key);
      mkdirSync(dirname(photo), { recursive: true });
      writeFileSync(photo, pixels.data);
    }
    const { path = '', metadata } = await dump(made);
    const pictures = [...entriesOf(path).keys()].filter((name) => name.endsWith('.jpg'));
    expect(pictures).toEqual(['photos/thumbnails/a1-1.jpg']);
    expect(metadata.counts).toMatchObject({ total_photos: 1 });
  });

  it('is taken by the tools that people have', async () => {
    const made = archive();
    const { path = '', size, sha256 } = await dump(made);
    const unpacked = judge(path, made.dir);
    expect(readFileSync(path).length).toBe(size);
    expect(tool('sha256sum', [path])).toContain(sha256);
    expect(tool('jq', ['-r', '.[].id', join(unpacked, 'artwork.json')])).toBe('a1\na2\na3\n');
    const lines = readFileSync(join(unpacked, 'artwork.json'), 'utf8').split('\n');
    expect(
      lines.slice(1, 4).map((line) => JSON.parse(line.replace(/,$/, '')) as unknown),
    ).toHaveLength(3);
    const script = 'import json, sys; print(len(json.load(open(sys.argv[1], encoding="utf-8"))))';
    expect(tool('python3', ['-c', script, join(unpacked, 'tags.json')])).toBe('8\n');
    expect(readFileSync(join(unpacked, 'LICENSE.txt'), 'utf8')).toMatch(
      /CC0 1\.0 Universal[^]*4\. Limitations and Disclaimers/,
    );
  });

  it('has a schema for each data file, to which the file keeps', async () => {
    const { path } = await dump(archive(), { foreignLicenses: 'separate' });
    const entries = entriesOf(path ?? '');
    const ajv = new Ajv2020({ allErrors: true, strict: true });
    addFormats(ajv);
    const schemas = [...entries.keys()].filter((name) => name.startsWith('schemas/'));
    expect(schemas).toHaveLength(5);
    for (const name of schemas) {
      const validate = ajv.compile(JSON.parse(entries.get(name)?.toString() ?? '') as object);
      const data = rows(path, name.replace('schemas/', '').replace('.schema', ''));
      expect({ name, valid: validate(data), errors: validate.errors }).toEqual({
        name,
        valid: true,
        errors: null,
      });
      expect(validate([{ nobody: 'knows' }])).toBe(false);
    }
  });

  it('has a Data Package that names every file, and each data file with its hash', async () => {
    const made = archive();
    const { path: previous } = await dump(made, { thumbnails: 'none' });
    const options = { previous, outputDir: join(made.dir, 'next') };
    const { path = '' } = await dump(made, { ...options, foreignLicenses: 'separate' });
    const unpacked = judge(path, made.dir);
    const descriptor = JSON.parse(readFileSync(join(unpacked, 'datapackage.json'), 'utf8')) as {
      resources: { path: string | string[]; hash?: string }[];
    };
    const named = descriptor.resources.flatMap((resource) => resource.path);
    const about = ['CITATION.cff', 'LICENSE.txt', 'README.md', 'SHA256SUMS', 'datapackage.json'];
    const all = [...named, ...about, 'metadata.json'].sort();
    expect(all).toEqual([...entriesOf(path).keys()].sort());
    const hashes = descriptor.resources.flatMap(({ path: file, hash }) =>
      hash === undefined ? [] : [`${hash.replace('sha256:', '')}  ${String(file)}`],
    );
    expect(hashes).toHaveLength(5);
    const sums = readFileSync(join(unpacked, 'SHA256SUMS'), 'utf8').split('\n');
    expect(sums).toEqual(expect.arrayContaining(hashes));
  });

  it('says that it is incomplete where a photo that the store holds cannot be had', async () => {
    const key = 'originals/2025/09/04/heron.jpg';
    const made = archive('newest-generation', newest.replace('gone.jpg', 'two.jpg'));
    const body = readFileSync(join(made.dir, 'photos', key));
    const photos = [key, 'originals/two.jpg'].map((key) => ({ key, body }));
    const store = await Store.listen(photos, {
      get: ({ pathname }, response) =>
        pathname.endsWith('two.jpg') && send(response, 'no', {}, 403),
    });
    try {
      const { path = '', complete, metadata, warnings } = await dump(made, { photos: store.s3 });
      expect(complete).toBe(false);
      expect(metadata).toMatchObject({
        complete: false,
        counts: { total_artworks: 3, total_photos: 1 },
        photos_missing: [{ photo: 'a1#2', reason: 'refused' }],
      });
      expect(warnings.map(({ code }) => code)).toContain('PHOTO_MISSING');
      expect(entriesOf(path).get('README.md')?.toString()).toContain(
        'Some photos could not be had',
      );
    } finally {
      store.close();
    }
  });

  it('holds texts of any length, each work in its place', async () => {
    const works = Array.from({ length: 7 }, (_, n) => {
      // Words: digits would all be looked at as something encoded, which takes a debug build a minute.
      const text = `replace(hex(zeroblob(${String(n % 2 === 0 ? 375_000 : 5)})), '0', 'a ')`;
      return `INSERT INTO artwork (id, title, description, lat, lon, status, created_at, updated_at) VALUES
        ('w${String(n)}', 'Work', ${text}, 1, 2, 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05');`;
    });
    const { path = '' } = await dump(archive('newest-generation', works.join('\n')));
    const found = rows(path, 'artwork.json').map(({ id, description }) => [id, description]);
    const words = [750_000, 10];
    expect(found).toEqual(
      Array.from({ length: 7 }, (_, n) => [`w${String(n)}`, 'a '.repeat(words[n % 2] ?? 0)]),
    );
  });

  it('has the same bytes every time, at any concurrency, on disk and in memory', async () => {
    const made = archive();
    const first = await dump(made, { concurrency: 1 });
    const second = await dump(made, { concurrency: 64, overwrite: true });
    const outputDir = join(made.dir, 'untouched');
    const third = await dump(made, { inMemory: true, outputDir });
    expect(second.sha256).toBe(first.sha256);
    expect(third.sha256).toBe(first.sha256);
    expect(third.path).toBeUndefined();
    expect(third.archive?.equals(readFileSync(first.path ?? ''))).toBe(true);
    expect(existsSync(outputDir)).toBe(false);
  });
});

it('tells how far it is, and in the end that all is done', async () => {
  const last = new Map<string, Progress>();
  const { metadata } = await dump(archive(), {
    onProgress: (progress) => last.set(progress.phase, progress),
  });
  const phases = ['snapshot', 'photos', 'database', 'finish', 'verify'];
  expect([...last.keys()]).toEqual(phases);
  for (const { done, total, bytes, totalBytes } of last.values())
    expect([done, bytes]).toEqual([total ?? done, totalBytes ?? bytes]);
  // The data files, and each thumbnail.
  expect(last.get('finish')?.total).toBe(4 + metadata.counts.total_photos);
  expect(last.get('finish')?.totalBytes).toBeGreaterThan(metadata.counts.total_photos);
});
