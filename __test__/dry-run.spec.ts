/** What a backup says that it would hold, without making it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { database, folder, listing, objects, removeFolders, run } from './support';
import { project } from './support/projects';

afterEach(removeFolders);

describe('a dry run', () => {
  it('says what is there and makes nothing', async () => {
    const cwd = folder();
    const file = await database(cwd);
    const args = ['backup', '--database-file', file, '--dry-run'];
    const before = listing(cwd);
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Dry run: backup of the database file/);
    expect(stdout).toContain('1 table, 3 rows');
    expect(stdout).toContain(`(source: ${file})`);
    const told = objects(await run([...args, '--json'], { cwd }));
    expect(told).toEqual([
      expect.objectContaining({ type: 'summary', dryRun: true, tables: 1, rows: 3, photos: null }),
    ]);
    expect(listing(cwd)).toEqual(before);
  });

  it('counts photos, and those that an earlier backup has', async () => {
    const cwd = project({ 'photos/originals/a.jpg': 'first', 'photos/originals/b.jpg': 'second' });
    const file = await database(cwd);
    const args = [
      'backup',
      '--database-file',
      file,
      '--photos-dir',
      'photos',
      '--photo-scope',
      'all',
    ];
    const made = await run([...args, '--quiet'], { cwd });
    writeFileSync(join(cwd, 'photos/originals/b.jpg'), 'another');
    const [told] = objects(
      await run([...args, '--dry-run', '--json', '--reuse-from', made.stdout.trimEnd()], { cwd }),
    );
    expect(told?.['photos']).toMatchObject({
      source: 'directory',
      originals: 2,
      bytes: 12,
      reusable: 1,
      reusableBytes: 5,
    });
  });
});
