/** Photos that are not there, may not be read, or lie elsewhere: told apart, and never passed over in silence. */

import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, createBackup } from '../index.js';
import { database, folder, listing, removeFolders } from './support';
import { newer, photo, photos, works } from './support/platform';
import { boundByModes, runJob } from './support/process';
import { entries, entry, judge, sqlite } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';

function options(dir: string, directory: string): BackupOptions {
  return {
    database: { file: join(dir, 'newer.sqlite') },
    photos: { directory },
    outputDir: join(dir, 'out'),
    now,
  };
}

describe('photos that cannot be copied', () => {
  /** A folder in which one approved photo may not be read, and another has lost its target. */
  function damaged(dir: string): string {
    newer(dir, ['originals/2025/09/09/secret.jpg', 'originals/2025/09/09/broken.jpg']);
    const directory = photos(dir);
    photo(directory, 'originals/2025/09/09/secret.jpg');
    symlinkSync('nowhere.jpg', join(directory, 'originals/2025/09/09/broken.jpg'));
    return directory;
  }

  /** What runs a job that may not read the first of them. */
  function locked(directory: string): string[] {
    const secret = join(directory, 'originals/2025/09/09/secret.jpg');
    return [...boundByModes(), 'sh', '-c', 'chmod 000 "$0" && exec "$@"', secret];
  }

  it('are recorded, and told apart from foreign and dangling ones', async () => {
    const dir = folder();
    const directory = damaged(dir);
    const { result } = await runJob({ options: options(dir, directory) }, locked(directory));
    expect(result).toMatchObject({ complete: false });
    expect(result?.metadata.photos).toMatchObject({
      originals: 4,
      missing: [
        { key: 'originals/2025/09/09/secret.jpg', reason: 'refused', artwork_ids: [works.lost] },
      ],
      foreign: 1,
      dangling: 1,
    });
    const archive = join(dir, 'out', result?.filename ?? '');
    expect(entry(archive, 'README.md')).toContain('**This backup is incomplete**');
    judge(archive, dir);
  });

  it("end the job with onPhotoError 'fail'", async () => {
    const dir = folder();
    const directory = damaged(dir);
    const request = { options: { ...options(dir, directory), onPhotoError: 'fail' as const } };
    const { error, after } = await runJob(request, locked(directory));
    expect(error).toMatchObject({ code: 'PHOTO_FAILED' });
    expect(error?.message).toContain('originals/2025/09/09/secret.jpg');
    expect(error?.message).toContain('set onPhotoError (--on-photo-error) to record');
    expect(after).toBeNull();
  });

  it('are an error when the store has none of them, or is not there', async () => {
    const dir = folder();
    newer(dir);
    const strange = join(dir, 'strange');
    photo(strange, 'holiday.jpg');
    for (const directory of [strange, join(dir, 'nowhere'), join(dir, 'newer.sqlite')]) {
      await expect(createBackup(options(dir, directory))).rejects.toMatchObject({
        code: 'SOURCE_UNREACHABLE',
      });
    }
    expect(listing(dir)).toEqual(['newer.sqlite', 'strange', 'strange/holiday.jpg']);
  });
});

describe('archives in the folder of photos', () => {
  it('are in no later backup', async () => {
    const dir = folder();
    newer(dir);
    const directory = photos(dir);
    const all: BackupOptions = {
      ...options(dir, directory),
      photoScope: 'all',
      outputDir: directory,
    };
    const first = await createBackup(all);
    expect(first.warnings.map(({ code }) => code)).not.toContain('PHOTO_OWN_ARCHIVE');
    const second = await createBackup({ ...all, now: '2026-01-03T03:04:05Z' });
    expect(second.warnings).toContainEqual(
      expect.objectContaining({
        code: 'PHOTO_OWN_ARCHIVE',
        message: expect.stringContaining('"backup-2026-01-02-030405.zip"') as string,
      }),
    );
    expect(entries(second.path)).toEqual(entries(first.path));
  });
});

describe('a photo without artworks of the platform', () => {
  it('is taken from a database that only shares the table of artworks', async () => {
    const dir = folder();
    const file = database(dir, 1);
    const directory = join(dir, 'photos');
    photo(directory, 'originals/only.jpg');
    sqlite(file, `UPDATE artwork SET photos = 'originals/only.jpg'`);
    const taken = { ...options(dir, directory), database: { file } };
    const result = await createBackup(taken);
    expect(entries(result.path)).toContain('photos/originals/originals/only.jpg');
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'no folder');
    await expect(createBackup({ ...taken, overwrite: true })).rejects.toMatchObject({
      code: 'SOURCE_UNREACHABLE',
    });
    expect(entries(result.path)).toContain('photos/originals/originals/only.jpg');
  });
});
