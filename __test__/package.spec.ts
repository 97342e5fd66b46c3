/** What is installed with the package: everything that its programs import. */

import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';

import { root } from './support';

interface Manifest {
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** Scripts below `dist` that are published. */
function published(): string[] {
  expect(manifest.files).toContain('!dist/bench/');
  return readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.m?js$/.test(name) && !/^(bench|panel)\//.test(name));
}

/** The packages that a script imports, required or not. */
function imported(script: string): string[] {
  const text = readFileSync(join(root, 'dist', script), 'utf8');
  const names = text.matchAll(/\b(?:from|import|import\(|require\()\s*["']([^"'.][^"']*)["']/g);
  return [...names]
    .map(([, name = '']) => /^(@[^/]+\/[^/]+|[^/]+)/.exec(name)?.[1] ?? name)
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
}

it('imports only what is installed with it', () => {
  const scripts = published();
  expect(scripts).toEqual(expect.arrayContaining(['demo.js', 'cli/main.js', 'admin/main.js']));
  const has = { ...manifest.dependencies, ...manifest.peerDependencies };
  const packages = scripts.flatMap((script) => imported(script).map((name) => ({ script, name })));
  expect(packages.length).toBeGreaterThan(10);
  expect(packages.filter(({ name }) => !(name in has))).toEqual([]);
});
