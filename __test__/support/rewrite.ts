/** Archives as somebody else might write them: other entries, names and links, by Python's zipfile. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { root } from '../support';

/** Entries to change before an archive is written anew; `sums` makes SHA256SUMS right again, `comment` the comment. */
export interface Changes {
  replace?: Record<string, string>;
  substitute?: Record<string, [string, string][]>;
  delete?: string[];
  rename?: Record<string, string>;
  add?: Record<string, string>;
  link?: Record<string, string>;
  sums?: true;
  comment?: true;
}

/** The archive as Python's zipfile writes it with these changes. */
export function rewrite(archive: string, dir: string, changes: Changes): string {
  const target = join(dir, 'rewritten.zip');
  const script = join(root, '__test__', 'support', 'rewrite.py');
  execFileSync('python3', [script, archive, target], {
    input: JSON.stringify(changes),
    stdio: 'pipe',
  });
  return target;
}
