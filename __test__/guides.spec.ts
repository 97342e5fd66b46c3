/** What guides have people type: the README, and that of each archive. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup, createDataDump } from '..';
import { database, folder, removeFolders, root } from './support';
import { entry } from './support/tools';

afterAll(removeFolders);

const guides: Readonly<Record<string, () => Promise<string>>> = {
  'the README': () => Promise.resolve(readFileSync(join(root, 'README.md'), 'utf8')),
  'the README of a backup': async () => {
    const outputDir = folder();
    const { path } = await createBackup({ database: { file: database(outputDir) }, outputDir });
    return entry(path, 'README.md');
  },
};

/** Those that have nothing typed but a check of sums. */
const others: typeof guides = {
  'the README of a data dump': async () => {
    const outputDir = folder();
    const file = database(outputDir);
    const { path = '' } = await createDataDump({ database: { file }, outputDir });
    return entry(path, 'README.md');
  },
};

/** The lines of its blocks for a shell. */
function typed(guide: string): string[] {
  const blocks = [...guide.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, lines = '']) => lines);
  expect(blocks).not.toEqual([]);
  return blocks.flatMap((lines) => lines.trimEnd().split('\n'));
}

// That of macOS, zsh, takes none at its prompt: behind `umask 077` one leaves the mask as it was.
it.each(Object.keys(guides))('has commands without comments in %s', async (name) => {
  const guide = (await guides[name]?.()) ?? '';
  expect(typed(guide).filter((line) => /(^|\s)#/.test(line))).toEqual([]);
  expect(typed(guide)).toContain('umask 077');
});

// Not every Mac has sha256sum.
it.each(Object.keys({ ...guides, ...others }))(
  'says in %s what a Mac checks sums with',
  async (name) => {
    const guide = await { ...guides, ...others }[name]?.();
    expect(guide).toContain('`shasum -a 256 -c SHA256SUMS`');
  },
);
