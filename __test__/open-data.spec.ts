/** A public dump as the people see it who work with open data: judged by the tools that they use. */

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { removeFolders } from './support';
import { archive, dump, newest, oldest } from './support/dumps';
import { python } from './support/python';
import { judge, tool } from './support/tools';

/** What `open-data/judge.py` prints. */
interface Verdict {
  readonly tables: Record<string, { rows: number; columns: Record<string, string> }>;
  /** Id, title, description and place of the first two works, as pandas reads them. */
  readonly works: unknown[][];
  readonly schemas: string[];
  readonly package: string[];
  readonly citation: string[];
}

/** Values that tools like to take for something else. */
const misleading = `
INSERT INTO artwork (id, title, description, lat, lon, tags, photos, status, created_at, updated_at) VALUES
 ('007', 'NA', 'null', 0, -0.0, '{"NaN":"1e5","__proto__":"x","a.b":[1,true,null,"01"],"comma, quote \\" ":"\\u2028"}', '[]',
  'approved', '2024-02-29 23:59:59', '1969-12-31T23:59:59Z'),
 ('1e5', '=1+1', 'two
lines 🎨', -89.999999999, 179.99999999999997, '{"material":"steel"}', NULL, 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05');`;

/** Both kinds of creators, as databases have them on their way from one schema to the other. */
const between = `
INSERT INTO artwork (id, title, lat, lon, tags, status, created_at) VALUES
 ('b1', 'Bridge', 1.5, 2.5, '{"material":"wood"}', 'approved', '2025-01-02 03:04:05');
INSERT INTO creators (id, name, bio, created_at) VALUES ('k1', 'Old Hand', 'Carves.', '2025-01-02 03:04:05');
INSERT INTO artists (id, name, status, created_at, updated_at) VALUES ('k2', 'New Hand', 'active', '2025-01-02 03:04:05', '2025-01-02 03:04:05');
INSERT INTO artwork_creators (id, artwork_id, creator_id, role, created_at) VALUES ('l1', 'b1', 'k1', 'carver', '2025-01-02 03:04:05');
INSERT INTO artwork_artists (artwork_id, artist_id, role, created_at) VALUES ('b1', 'k2', 'primary', '2025-01-02 03:04:05');`;

/** A work alone: no creator, no link, no tag. */
const lonely = `
INSERT INTO artwork (id, title, lat, lon, status, created_at) VALUES
 ('n1', '', 1.5, 2.5, 'approved', '2025-01-02 03:04:05');`;

const interpreter = python(join(__dirname, 'open-data', 'requirements.txt'));

/** All at once: Python takes longer to load the judges than they to judge. */
function verdicts(unpacked: readonly string[]): Verdict[] {
  return JSON.parse(
    tool(interpreter, [join(__dirname, 'open-data', 'judge.py'), ...unpacked]),
  ) as Verdict[];
}

async function published(schema: string, rows: string): Promise<string> {
  const made = archive(schema, rows);
  const { path = '' } = await dump(made, { foreignLicenses: 'separate' });
  return judge(path, made.dir);
}

const cases: [schema: string, rows: string, works: string[]][] = [
  ['newest-generation', newest + misleading, ['007', '1e5', 'a1', 'a2', 'a3']],
  ['between', between, ['b1']],
  ['newest-generation', lonely, ['n1']],
  ['first-generation', oldest, ['SAMPLE-1']],
];

/** What is wrong with copies of the first dump: a file, and what stands there in place of something else. */
const wrongs: [name: string, from: string, to: string][] = [
  ['artwork.json', '"lat":49.25', '"lat":"north"'],
  ['CITATION.cff', 'cff-version: 1.2.0', 'cff-version: 0'],
];

function spoilt(unpacked: string, [name, from, to]: (typeof wrongs)[0]): string {
  const copy = `${unpacked}-spoilt-${name}`;
  cpSync(unpacked, copy, { recursive: true });
  const file = join(copy, name);
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
  return copy;
}

let dumps: string[];
let judged: Verdict[];

beforeAll(async () => {
  dumps = await Promise.all(cases.map(([schema, rows]) => published(schema, rows)));
  judged = verdicts([...dumps, ...wrongs.map((wrong) => spoilt(dumps[0] ?? '', wrong))]);
}, 120_000);

afterAll(removeFolders);

it.each(cases.map(([schema, , works], at) => [schema, works, at] as const))(
  'of the schema %s: pandas, frictionless, jsonschema, cffconvert and jq take it',
  (_, works, at) => {
    const unpacked = dumps[at] ?? '';
    const { tables = {}, ...told }: Partial<Verdict> = judged[at] ?? {};
    expect(told).toMatchObject({ schemas: [], package: [], citation: [] });
    expect(Object.keys(tables)).toEqual(
      expect.arrayContaining([
        'artwork.json',
        'artwork_creators.json',
        'creators.json',
        'tags.json',
      ]),
    );
    for (const [name, { rows: seen }] of Object.entries(tables)) {
      const file = join(unpacked, name);
      expect(tool('jq', ['-e', 'length', file])).toBe(`${String(seen)}\n`);
      // A record in each line, for those who stream.
      const lines = tool('jq', ['-cR', 'select(length > 2) | rtrimstr(",") | fromjson', file]);
      expect(lines.trim().split('\n').filter(Boolean)).toHaveLength(seen);
    }
    expect(
      tool('jq', ['-r', '.[].id', join(unpacked, 'artwork.json')])
        .trim()
        .split('\n'),
    ).toEqual(works);
    expect(tables['artwork.json']?.columns).toMatchObject({ lat: 'float64', lon: 'float64' });
  },
);

it('no tool changes a value that looks like another', () => {
  const file = join(dumps[0] ?? '', 'artwork.json');
  const records = JSON.parse(readFileSync(file, 'utf8')) as unknown[];
  expect(JSON.parse(tool('jq', ['-c', '.[0]', file]))).toEqual(records[0]);
  expect(judged[0]?.works).toEqual([
    ['007', 'NA', 'null', 0, 0],
    ['1e5', '=1+1', 'two\nlines 🎨', -89.999999999, 179.99999999999997],
  ]);
});

it('the judges see what is wrong', () => {
  const [works, citation] = judged.slice(cases.length);
  expect(works).toMatchObject({
    schemas: [expect.stringContaining('north')],
    package: expect.arrayContaining([expect.stringContaining('artwork')]) as unknown,
  });
  expect(citation).toMatchObject({ citation: [expect.anything()] });
});
