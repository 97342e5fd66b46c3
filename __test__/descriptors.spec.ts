/** Jobs in a process that may open hardly any further file. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup } from '../index.js';
import { database, folder, listing, removeFolders, root } from './support';
import { photo } from './support/platform';

afterAll(removeFolders);

/** What a process does that may open `free` more files: a job, and the code and the message of its error. */
const script = `
const { closeSync, openSync } = require('node:fs');
const [free, root, verb, ...args] = JSON.parse(process.argv[1]);
const start = require(root)[verb];
const held = [];
try {
  for (;;) held.push(openSync('/dev/null'));
} catch {
  held.splice(0, free).forEach(closeSync);
}
start(...args)
  .then(() => ({}), ({ code, message }) => ({ code, message }))
  .then((outcome) => {
    held.forEach(closeSync);
    console.log(JSON.stringify(outcome));
  });
`;

interface Outcome {
  readonly code?: string;
  readonly message?: string;
}

function within(free: number, verb: string, ...args: unknown[]): Outcome {
  const asked = JSON.stringify([free, root, verb, ...args]);
  const limited = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '-e', script, asked];
  const { stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Outcome;
}

// Windows has no such limit.
(process.platform === 'win32' ? describe.skip : describe)(
  'a process with hardly a file left',
  () => {
    it('is told so, and nothing is left', async () => {
      const dir = folder();
      const photos = { directory: join(dir, 'photos') };
      photo(photos.directory, 'originals/a.jpg', Buffer.from('a'));
      const sources = { database: { file: database(dir) }, photos, photoScope: 'all' as const };
      const { path } = await createBackup({ ...sources, outputDir: join(dir, 'first') });
      const before = listing(dir);
      const out = join(dir, 'out');
      const jobs: [verb: string, ...args: unknown[]][] = [
        ['createBackup', { ...sources, outputDir: out }],
        ['verifyArchive', path],
        ['restoreBackup', path, { database: join(out, 'restored.sqlite') }],
      ];
      for (const [verb, ...args] of jobs) {
        for (let free = 0; ; free += 1) {
          const { code, message } = within(free, verb, ...args);
          if (code === undefined) break;
          expect(message).toContain('ulimit -n');
          expect(listing(dir)).toEqual(before);
          expect(free).toBeLessThan(20);
        }
        rmSync(out, { recursive: true, force: true });
      }
    });
  },
);
