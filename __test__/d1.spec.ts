/** Real workerd is the judge: what the engine writes as database.sql goes into an empty D1 through wrangler's splitter. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, removeFolders, root } from './support';
import { full } from './support/random';

/** Every recipe of the generator comes up once in 50 databases. */
const count = full ? 1_000 : 50;

interface Verdict {
  readonly case: string;
  readonly seed: number;
  readonly recipes: readonly string[];
  readonly problems: readonly string[];
  readonly couldStandInMain: readonly string[];
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.slice(-2000)}`);
  return stdout;
}

/** In a process of its own, which loads wrangler without jest's module registry. */
function judge(cases: string): Verdict[] {
  const lines = run(process.execPath, [join(root, '__test__', 'd1', 'judge.mjs'), cases]);
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdict);
}

/** By the engine's tests in the profile of `npm test`, which has built them: another one compiles every crate anew. */
function generate(cases: string): void {
  run('cargo', ['test', '--profile', 'bench', '--test', 'engine', 'export_cases'], {
    CAB_CASES_DIR: cases,
    CAB_CASES: String(count),
  });
}

/** A case of one table with one cell, of which it is claimed that it is `cell`. */
function claim(cases: string, name: string, literal: string, cell: string): void {
  const table = 'CREATE TABLE t(a)';
  const contents = [
    { content: { what: 't', columns: ['a'], from: 't', vocabulary: null }, rows: [cell] },
  ];
  const expected = {
    seed: 0,
    recipes: [],
    objects: [['table', 't', 't', table]],
    notKept: [],
    contents,
  };
  const path = join(cases, name);
  mkdirSync(path);
  writeFileSync(join(path, 'database.sql'), `${table};\nINSERT INTO t VALUES (${literal});\n`);
  writeFileSync(join(path, 'expected.json'), JSON.stringify(expected));
}

/** Cells as D1 holds them, and what they are not. */
const cells: readonly [literal: string, right: string, wrong: string][] = [
  ['-0.0', 'r:8000000000000000', 'r:0000000000000000'],
  ['0.0', 'r:0000000000000000', 'r:8000000000000000'],
  ['9e999', 'r:7ff0000000000000', 'n'],
  ['-9e999', 'r:fff0000000000000', 'r:7ff0000000000000'],
  ['9007199254740993', 'i:9007199254740993', 'i:9007199254740992'],
  ['3', 'i:3', 'r:4008000000000000'],
  ["CAST(X'610062FF' AS TEXT)", 't:610062ff', 't:61'],
  ["X'6162'", 'b:6162', 't:6162'],
  ["''", 't:', 'n'],
];

let verdicts: Verdict[];
let claims: Verdict[];

// All at once: wrangler takes seconds to load.
beforeAll(() => {
  const cases = folder();
  cells.forEach(([literal, right, wrong], at) => {
    claim(cases, `case-claim-${2 * at}`, literal, right);
    claim(cases, `case-claim-${2 * at + 1}`, literal, wrong);
  });
  generate(cases);
  const all = judge(cases);
  const isClaim = (verdict: Verdict): boolean => verdict.case.startsWith('case-claim-');
  claims = all.filter(isClaim);
  verdicts = all.filter((verdict) => !isClaim(verdict));
}, 3_600_000);

afterAll(removeFolders);

it('is judged by one who agrees with what is so and finds what is not', () => {
  const agreed = claims.map(({ problems }) => problems.length === 0);
  expect(agreed).toEqual(cells.flatMap(() => [true, false]));
});

it('loads whole and holds every cell exactly', () => {
  expect(verdicts).toHaveLength(count);
  expect(verdicts.filter(({ problems }) => problems.length > 0)).toEqual([]);
});

it('lacks nothing that D1 would have taken', () => {
  expect(verdicts.filter(({ couldStandInMain }) => couldStandInMain.length > 0)).toEqual([]);
});
