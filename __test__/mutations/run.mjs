/**
 * Proves that the tests guard what they promise to guard: each patch beside this file breaks one guarantee, and the
 * test that it names has to fail. That the same test passes without the patch is what `npm test` shows.
 *
 *     node __test__/mutations/run.mjs [--apply-only] [name of a patch…]
 *
 * `npm run test:mutations` runs all of them, as does `npm run test:full`; `npm test` runs none: each has to build our
 * crate anew. `.ci/run` has no time for that either and asks with `--apply-only` whether each still fits the code. A
 * patch begins with two lines, `Guarantee: …` and `Test: lib|engine <full name>`, and has as little context as it can.
 * One that no longer applies is a failure: write it anew for the code as it is.
 *
 * The sources are copied to target/mutations/, whose path never changes, so that Cargo builds only what a patch
 * touches and takes everything that we depend on from the project's own target folder.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import console from 'node:console';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..', '..');
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');
const copy = join(target, 'mutations');
const sources = [
  'Cargo.toml',
  'Cargo.lock',
  'build.rs',
  '.cargo',
  'src',
  '__test__/engine',
  '__test__/fixtures',
  'fuzz/src',
];

/** Makes the copy equal to the project. What is equal already is not touched, so that Cargo sees no change. */
function restore() {
  const list = execFileSync('git', ['ls-files', '-z', '--', ...sources], {
    cwd: root,
    encoding: 'utf8',
  });
  const tracked = list.split('\0').filter((path) => path !== '');
  const wanted = new Set(tracked.map((path) => join(copy, path)));
  for (const path of tracked) {
    const [from, to] = [join(root, path), join(copy, path)];
    const bytes = readFileSync(from);
    if (read(to)?.equals(bytes)) continue;
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, bytes);
  }
  const found = readdirSync(copy, { recursive: true, withFileTypes: true });
  for (const entry of found.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (!wanted.has(path)) rmSync(path);
  }
}

function read(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Why a mutation was not caught; undefined when it was. */
function problemWith(patch) {
  const text = readFileSync(join(import.meta.dirname, patch), 'utf8');
  const [, suite, test] = /^Guarantee: \S.*\nTest: (lib|engine) (\S+)\n/.exec(text) ?? [];
  if (test === undefined) return 'it does not begin with Guarantee: and Test:';

  restore();
  // Else git would take the project above for the place to apply it to, and pass over paths outside of target/.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: target };
  const applied = run('git', ['apply', '-C1', join(import.meta.dirname, patch)], env);
  if (applied.status !== 0) return `it does not apply any more:\n${applied.output}`;
  if (applyOnly) return undefined;

  const cargo = [
    'test',
    '--quiet',
    '--profile',
    'bench',
    ...(suite === 'lib' ? ['--lib'] : ['--test', suite]),
  ];
  const built = run('cargo', [...cargo, '--no-run']);
  if (built.status !== 0) return `what it makes does not compile:\n${tail(built.output)}`;

  const tested = run('cargo', [...cargo, '--', '--exact', test]);
  if (tested.status === 0) return `${test} passes all the same, or is not there`;
  if (
    !/test result: FAILED\. 0 passed; 1 failed/.test(tested.output) ||
    !tested.output.includes('panicked at')
  ) {
    return `${test} ended in another way than by an assertion:\n${tail(tested.output)}`;
  }
  return undefined;
}

function run(program, args, env = process.env) {
  const options = { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 };
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    ...options,
    env: { ...env, CARGO_TARGET_DIR: target },
  });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}

function tail(text) {
  return text.slice(-4000);
}

const { values, positionals: names } = parseArgs({
  options: { 'apply-only': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const applyOnly = values['apply-only'];
mkdirSync(copy, { recursive: true });
const all = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.patch'));
const named = names.map((name) => name.replace(/(\.patch)?$/, '.patch'));
const strange = named.filter((name) => !all.includes(name));
if (strange.length > 0)
  throw new Error(`there is no mutation ${strange.join(', ')}; there are ${all.join(', ')}`);
const chosen = named.length > 0 ? named : all;
const verb = applyOnly ? 'applied' : 'caught';
let missed = 0;
for (const patch of chosen) {
  const started = performance.now();
  const problem = problemWith(patch);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (problem !== undefined) missed += 1;
  console.log(
    problem === undefined ? `${verb} ${patch} (${seconds} s)` : `NOT ${verb} ${patch}: ${problem}`,
  );
}
restore();
console.log(`${chosen.length - missed} of ${chosen.length} mutations ${verb}`);
process.exitCode = missed === 0 && chosen.length > 0 ? 0 : 1;
