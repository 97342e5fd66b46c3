/** Data dumps that are not made, and leave everything as it was. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { removeFolders } from './support';
import { archive, dump, newest } from './support/dumps';
import { type Answer, send, Store } from './support/store';
import { sqlite } from './support/tools';

afterEach(removeFolders);

describe('a dump that is not made', () => {
  it.each([
    ['unknown names', { colour: 1 }, /colour is not an option/],
    ['thumbnails', { thumbnails: 'some' }, /'make' or 'none'/],
    ['sizes', { thumbnailSize: 63 }, /64 to 2048/],
    ['lists', { extraBlacklist: 'x' }, /extraBlacklist is a string/],
    ['texts in lists', { includeFields: [1] }, /includeFields takes an array of texts/],
    ['columns', { includeFields: ['users.email'] }, /no other table/],
    ['sources', { source: { url: 'javascript:alert(1)' } }, /source\.url/],
    ['bytes', { maxArchiveBytes: 1.5 }, /maxArchiveBytes/],
  ])('names what is wrong with %s', async (_, options, message) => {
    const made = archive();
    const before = readdirSync(made.dir);
    await expect(dump(made, options as object)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(message) as string,
    });
    expect(readdirSync(made.dir)).toEqual(before);
  });

  it('leaves the folder as it was when the store refuses every photo', async () => {
    const key = 'originals/2025/09/04/heron.jpg';
    const refuse: Answer = (_, response) => send(response, 'no', {}, 403);
    const made = archive('newest-generation', newest.replace('gone.jpg', 'two.jpg'));
    const photos = [key, 'originals/two.jpg'].map((key) => ({ key, body: Buffer.from('photo') }));
    const store = await Store.listen(photos, { get: refuse });
    try {
      await expect(dump(made, { photos: store.s3 })).rejects.toMatchObject({
        code: 'SOURCE_REFUSED',
        message: expect.stringMatching(/refused every photo/) as string,
      });
      expect(readdirSync(made.dir)).not.toContain('out');
    } finally {
      store.close();
    }
  });

  it('leaves the folder as it was: too large, no works, no status, a name that is taken', async () => {
    const made = archive();
    const before = readdirSync(made.dir);
    // A folder is no advice for an archive that is written to one.
    await expect(dump(made, { maxArchiveBytes: 1000 })).rejects.toMatchObject({
      code: 'ARCHIVE_TOO_LARGE',
      message: expect.stringMatching(/--max-archive-bytes(?!.*folder)/) as string,
    });
    await expect(dump(made, { inMemory: true, maxArchiveBytes: 1000 })).rejects.toMatchObject({
      code: 'ARCHIVE_TOO_LARGE',
      message: expect.stringContaining('written to a folder') as string,
    });
    const empty = join(made.dir, 'archive.sqlite-other');
    sqlite(empty, 'CREATE TABLE x (y)');
    await expect(dump({ dir: made.dir, file: empty })).rejects.toMatchObject({
      code: 'SCHEMA_UNKNOWN',
    });
    expect(readdirSync(made.dir)).toEqual([...before, 'archive.sqlite-other'].sort());
    await dump(made);
    await expect(dump(made)).rejects.toMatchObject({ code: 'ARCHIVE_EXISTS' });
  });

  it.each(['snapshot', 'database', 'photos', 'finish', 'verify'])(
    'ends with ABORT_ERR when aborted in the phase %s',
    async (phase) => {
      const made = archive();
      const controller = new AbortController();
      const started = dump(made, {
        signal: controller.signal,
        onProgress: (progress) => {
          if (progress.phase === phase) controller.abort();
        },
      });
      // The last phases are over before JavaScript hears of them.
      const outcome = await started.then(
        ({ path }) => path,
        (error: unknown) => (error as { code: string }).code,
      );
      if (outcome !== 'ABORT_ERR') expect(readdirSync(join(made.dir, 'out'))).toHaveLength(1);
      else expect(existsSync(join(made.dir, 'out'))).toBe(false);
    },
  );
});
