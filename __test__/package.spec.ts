/** What is installed with the package: everything that its programs import. */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';

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

// Windows asks for no such permission.
(process.platform === 'win32' ? it.skip : it)(
  'has a command that may be run when it is built',
  () => {
    // npm gives the permission when it links the command, which it does not do again for the next build.
    expect(statSync(join(root, 'dist', 'cli', 'main.js')).mode & 0o111).toBe(0o111);
  },
);

it('has nothing of the page in the component', () => {
  const names = readdirSync(join(root, 'dist', 'component'));
  expect(names).toEqual(expect.arrayContaining(['DataDumpManager.mjs', 'style.css']));
  expect(names.filter((name) => /\.(svg|html)$/.test(name))).toEqual([]);
});

it.each([
  ['component', ['@heroicons/vue', 'eventsource-parser']],
  ['panel', ['@heroicons/vue', '@vue/runtime-dom', 'eventsource-parser']],
])('hands on the licences of what is bundled into the %s', (folder, bundled) => {
  const text = readFileSync(join(root, 'dist', folder, 'LICENSES.md'), 'utf8');
  const names = [...text.matchAll(/^## (\S+) - /gm)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(bundled));
  expect(text.match(/^Copyright \(c\)|^Permission is hereby granted/gm)).toHaveLength(
    2 * names.length,
  );
});

it.each(['cli/main.js', 'admin/main.js', 'admin/publish.js', 'demo.js'])(
  'says what to do where the core was built for another machine: %s',
  (script) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist', script)], {
      encoding: 'utf8',
      env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(root, 'other.node') },
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*`npm run build`.*\n {2}because: .*other\.node'\n$/);
  },
);

/** Below the package itself, so that what it depends on is found. */
const consumer = join(root, 'target', 'consumer-');

function installed(project: string): string {
  return join(project, 'node_modules', '@cultural-archiver', 'backup');
}

// A bundler resolves within the package what Node does: there only the consumer is looked at.
it.each([
  ['node16', ['--skipLibCheck', 'false', '--skipDefaultLibCheck']],
  ['bundler', ['--skipLibCheck']],
])(
  'is taken by the strictest TypeScript, by its published files alone: %s',
  (resolution, libraries) => {
    mkdirSync(dirname(consumer), { recursive: true });
    const project = mkdtempSync(consumer);
    try {
      // Without the addon, which has no types.
      const isPlain = (path: string): boolean => !/[!*]/.test(path);
      for (const path of ['package.json', ...manifest.files.filter(isPlain)]) {
        cpSync(join(root, path), join(installed(project), path), { recursive: true });
      }
      writeFileSync(
        join(project, 'consumer.mts'),
        `import { createBackup, verifyArchive } from '@cultural-archiver/backup';
import { createAdminApp } from '@cultural-archiver/backup/admin';
import DataDumpManager from '@cultural-archiver/backup/panel';
import '@cultural-archiver/backup/panel/style.css';
import { forwardToAdminService } from '@cultural-archiver/backup/worker';

const { path } = await createBackup({ database: { file: 'archive.sqlite' } });
const { kind } = await verifyArchive(path);
const told: 'backup' | 'data-dump' | null = kind;
export { told, createAdminApp, DataDumpManager, forwardToAdminService };
`,
      );
      const module = resolution === 'node16' ? 'node16' : 'esnext';
      const flags = ['--strict', '--noEmit', ...libraries, '--target', 'es2022'];
      const kinds = ['--module', module, '--moduleResolution', resolution, '--types', 'node'];
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const args = [
        tsc,
        ...flags,
        ...kinds,
        '--noUncheckedSideEffectImports',
        '--ignoreConfig',
        'consumer.mts',
      ];
      const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
      expect(stdout).toBe('');
    } finally {
      rmSync(project, { recursive: true });
    }
  },
  60_000,
);
