/** A data dump that follows an earlier one: what has changed since, and what must not have been lost. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup } from '../index.js';
import { removeFolders } from './support';
import { archive, dump, newest, now } from './support/dumps';
import { entriesOf } from './support/secrets';
import { sqlite } from './support/tools';

afterEach(removeFolders);

describe('an earlier dump', () => {
  it('is told what was added, changed and removed', async () => {
    const made = archive();
    const { path: previous = '' } = await dump(made);
    sqlite(
      made.file,
      `UPDATE artwork SET title = 'Egret' WHERE id = 'a1'; UPDATE artwork SET status = 'rejected' WHERE id = 'a2';
       UPDATE artwork SET status = 'approved' WHERE id = 'p1'`,
    );
    const { path } = await dump(made, { previous, outputDir: join(made.dir, 'next') });
    expect(
      JSON.parse(
        entriesOf(path ?? '')
          .get('CHANGES.json')
          ?.toString() ?? '',
      ),
    ).toEqual({
      since: now,
      artwork: { added: ['p1'], changed: ['a1'], removed: ['a2'] },
      creators: { added: ['c2'], changed: [], removed: [] },
    });
  });

  it('guards against a dump that has lost most of it', async () => {
    const many = Array.from(
      { length: 100 },
      (_, nth) =>
        `INSERT INTO artwork (id, lat, lon, status) VALUES ('m${String(nth)}', 1, 2, 'approved');`,
    );
    const made = archive('newest-generation', newest + many.join('\n'));
    const { path: previous = '' } = await dump(made, { thumbnails: 'none' });
    sqlite(made.file, "DELETE FROM artwork WHERE id LIKE 'm%'");
    const options = { previous, outputDir: join(made.dir, 'next'), thumbnails: 'none' } as const;
    await expect(dump(made, options)).rejects.toMatchObject({
      code: 'DUMP_SHRUNK',
      message: expect.stringContaining('3 artworks instead of 103') as string,
    });
    expect(existsSync(options.outputDir)).toBe(false);
    expect(
      (await dump(made, { ...options, allowShrink: true })).metadata.counts.total_artworks,
    ).toBe(3);
    sqlite(made.file, "UPDATE artwork SET status = 'rejected'");
    await expect(
      dump(made, { ...options, overwrite: true, allowShrink: true }),
    ).rejects.toMatchObject({
      code: 'DUMP_SHRUNK',
      message: expect.stringContaining('no approved artwork') as string,
    });
  });

  it('is no backup', async () => {
    const made = archive();
    const { path } = await createBackup({
      database: { file: made.file },
      outputDir: made.dir,
      now,
    });
    await expect(dump(made, { previous: path })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: `${path} is no data dump; name a datadump-….zip`,
    });
  });
});
