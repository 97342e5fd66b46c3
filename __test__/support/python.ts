/** Python with the packages of a file of requirements, which are installed once for each of its editions. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { tool } from './tools';

/** The interpreter of an environment that holds exactly those packages. The first time takes half a minute. */
export function python(requirements: string): string {
  const edition = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const home = join(
    __dirname,
    '..',
    '..',
    'node_modules',
    '.cache',
    `python-${edition.slice(0, 16)}`,
  );
  const windows = process.platform === 'win32';
  const inside = windows ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  if (!existsSync(home)) {
    // Another worker may be at it: each makes its own, and the first to be done wins.
    const partial = `${home}.${String(process.pid)}`;
    rmSync(partial, { recursive: true, force: true });
    tool(windows ? 'py' : 'python3', ['-m', 'venv', partial]);
    const flags = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-deps'];
    tool(join(partial, ...inside), ['-m', 'pip', 'install', ...flags, '-r', requirements]);
    try {
      renameSync(partial, home);
    } catch {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return join(home, ...inside);
}
