/** Same input and same `now`, same bytes; and photos of an earlier backup that are taken over unchanged. */

import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type BackupOptions, type BackupResult, createBackup } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { approved, newer, photo, photos } from './support/platform';
import { runJob } from './support/process';
import { entries, entry, judge, restore, sha256, sqlite, verify } from './support/tools';

afterEach(removeFolders);

const now = '2026-01-02T03:04:05Z';

/** A place with a database and its photos; each call makes a backup in a folder of its own. */
function place(): {
  dir: string;
  backup: (options?: Partial<BackupOptions>) => Promise<BackupResult>;
} {
  const dir = folder();
  const file = newer(dir);
  const directory = photos(dir);
  let made = 0;
  const backup = (options: Partial<BackupOptions> = {}): Promise<BackupResult> => {
    made += 1;
    const outputDir = join(dir, `out-${made}`);
    return createBackup({ database: { file }, photos: { directory }, outputDir, now, ...options });
  };
  return { dir, backup };
}

describe('the bytes of an archive', () => {
  it('do not depend on how many photos are fetched at a time, nor on where or when', async () => {
    const { dir, backup } = place();
    // More than are ever in flight, of sizes that end out of order, one of them too large for memory.
    for (let n = 0; n < 150; n += 1) {
      const key = `originals/2025/10/01/${n}.jpg`;
      photo(join(dir, 'photos'), key, Buffer.alloc((n * 7919) % 300_000, n));
    }
    photo(join(dir, 'photos'), 'originals/2025/10/01/huge.jpg', Buffer.alloc(9 << 20, 'huge'));
    const sums = new Set<string>();
    for (const concurrency of [1, 8, 64, 8]) {
      const result = await backup({ concurrency, photoScope: 'all' });
      expect(result.metadata.photos.originals).toBe(158);
      expect(sha256(result.path)).toBe(result.sha256);
      sums.add(result.sha256);
    }
    expect(sums.size).toBe(1);
  });

  it('differ without a drill only in what says so', async () => {
    const { backup } = place();
    const [drilled, trusting] = [await backup(), await backup({ drill: false })];
    expect(trusting.metadata).toEqual({ ...drilled.metadata, drill: null });
    expect(entries(trusting.path)).toEqual(entries(drilled.path));
    const saysSo = ['metadata.json', 'README.md', 'SHA256SUMS'];
    for (const name of entries(drilled.path).filter((name) => !saysSo.includes(name))) {
      expect(entry(trusting.path, name)).toBe(entry(drilled.path, name));
    }
    expect(entry(trusting.path, 'README.md')).toContain('The restore drill was switched off');
  });

  it('hold the same at every level of compression', async () => {
    const { dir, backup } = place();
    for (let compressionLevel = 0; compressionLevel <= 9; compressionLevel += 1) {
      const result = await backup({ compressionLevel });
      const restored = restore(judge(result.path, dir));
      expect(sqlite(restored, 'SELECT count(*) FROM artwork')).toBe('5');
      expect(result.metadata.photos.originals).toBe(4);
    }
  });
});

describe('an earlier backup', () => {
  it('gives its photos, and nothing in the archive shows it', async () => {
    const { backup } = place();
    const earlier = await backup();
    const again = await backup({ reuseFrom: earlier.path });
    expect(earlier.reusedPhotos).toBe(0);
    expect(again.reusedPhotos).toBe(6);
    expect(again.sha256).toBe(earlier.sha256);
  });

  it('does not stand in for photos that have changed, are new, or are gone', async () => {
    const { dir, backup } = place();
    const earlier = await backup();
    const [heron, tides] = approved.originals;
    const store = join(dir, 'photos');
    writeFileSync(join(store, heron), 'painted over');
    // Same size, another date.
    writeFileSync(join(store, tides), `PHOTO ${tides}`);
    const file = join(dir, 'newer.sqlite');
    photo(store, 'originals/2026/01/01/new.jpg');
    sqlite(
      file,
      `UPDATE artwork SET photos = '["originals/2026/01/01/new.jpg"]' WHERE photos LIKE '%lost%';
       DELETE FROM artists`,
    );
    const again = await backup({ reuseFrom: earlier.path, database: { file } });
    expect(again.reusedPhotos).toBe(3);
    expect(entry(again.path, `photos/originals/${heron}`)).toBe('painted over');
    expect(entry(again.path, `photos/originals/${tides}`)).toBe(`PHOTO ${tides}`);
    expect(entries(again.path)).toContain('photos/originals/originals/2026/01/01/new.jpg');
    expect(entries(again.path)).not.toContain(`photos/originals/${approved.originals[3]}`);
    judge(again.path, dir);
    expect((await backup({ database: { file } })).sha256).toBe(again.sha256);
  });

  it('gives a large photo without holding all of it in memory', async () => {
    const { dir, backup } = place();
    const key = 'originals/2025/10/01/large.tif';
    const size = 400 << 20;
    truncateSync(photo(join(dir, 'photos'), key, Buffer.from('II*')), size);
    const scope = { photoScope: 'all', drill: false } as const;
    const earlier = await backup(scope);
    const { result, peakBytes } = await runJob({
      options: {
        database: { file: join(dir, 'newer.sqlite') },
        photos: { directory: join(dir, 'photos') },
        outputDir: join(dir, 'again'),
        now,
        reuseFrom: earlier.path,
        ...scope,
      },
    });
    expect(result?.reusedPhotos).toBe(
      earlier.metadata.photos.originals + earlier.metadata.photos.thumbnails,
    );
    expect(result?.sha256).toBe(earlier.sha256);
    expect(peakBytes).toBeLessThan(size / 2);
  });

  it('whose photos are not those of its index is refused, though its checksum was made to fit', async () => {
    const { dir, backup } = place();
    const { path } = await backup();
    const before = listing(dir);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(`photo ${approved.originals[0]}`);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const end = bytes.lastIndexOf('PK\x05\x06');
    const checksum = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
    bytes.write(checksum, bytes.length - checksum.length, 'latin1');
    const forged = join(dir, 'out-1', 'forged.zip');
    writeFileSync(forged, bytes);
    await expect(
      backup({ reuseFrom: forged, database: { file: join(dir, 'nowhere.sqlite') } }),
    ).rejects.toMatchObject({
      code: 'ARCHIVE_CORRUPT',
      message: expect.stringContaining('not what its index says') as string,
    });
    expect(listing(dir)).toEqual([...before, join('out-1', 'forged.zip')].sort());
  });

  it('that is damaged is refused before anything else is looked at', async () => {
    const { dir, backup } = place();
    const { path } = await backup();
    const sound = readFileSync(path);
    const before = listing(dir);
    const damaged = join(dir, 'out-1', 'damaged.zip');
    const middle = sound.indexOf(`photo ${approved.originals[0]}`);
    for (const at of [100, middle, sound.length >> 1, sound.length - 90, sound.length - 10]) {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(damaged, bytes);
      await expect(
        backup({ reuseFrom: damaged, database: { file: join(dir, 'nowhere.sqlite') } }),
      ).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    }
    writeFileSync(damaged, sound.subarray(0, sound.length - 1000));
    await expect(backup({ reuseFrom: damaged })).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    expect(listing(dir)).toEqual([...before, join('out-1', 'damaged.zip')].sort());
    verify(path);
  });
});
