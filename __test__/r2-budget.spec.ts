/** A bucket of more photos than Cloudflare's API gives in five minutes, with nothing but an API token. */

import { join } from 'node:path';

import { type BackupOptions, createBackup, previewBackup, type Progress } from '../index.js';
import { folder, listing, removeFolders } from './support';
import { account, bucket, R2Double, token } from './support/r2';
import { sqlite } from './support/tools';

let double: R2Double;
let options: BackupOptions;

beforeAll(async () => {
  const base = folder();
  double = await new R2Double(join(base, 'v3')).listen();
  const numbers = Array.from({ length: 1200 }, (_, nth) => nth);
  while (numbers.length > 0) {
    const some = numbers.splice(0, 50);
    await Promise.all(
      some.map((nth) => double.put(`originals/${String(nth)}.jpg`, Buffer.from('x'))),
    );
  }
  await double.put('originals/2025/09/04/heron.jpg', Buffer.from('y'));
  const file = join(base, 'archive.sqlite');
  sqlite(
    file,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, photos TEXT, status TEXT NOT NULL);
     INSERT INTO artwork VALUES ('w1', 'Heron', '["originals/2025/09/04/heron.jpg"]', 'approved')`,
  );
  options = {
    database: { file },
    photos: { r2: { accountId: account, bucket, apiToken: token, apiUrl: double.apiUrl } },
    photoScope: 'all',
  };
}, 60_000);

afterAll(async () => {
  await double.close();
  removeFolders();
});

it('is a warning in a preview, which fetches none', async () => {
  const { warnings, photos } = await previewBackup(options);
  expect(photos?.originals).toBe(1201);
  expect(warnings).toContainEqual(
    expect.objectContaining({
      code: 'PHOTOS_TAKE_LONG',
      message: expect.stringMatching(/1201 photos will take at least 5 minutes/) as string,
    }),
  );
  expect(double.asked.filter((path) => path.startsWith('/'))).toEqual([]);
  const byS3 = await previewBackup({ ...options, photos: { s3: double.s3 } });
  expect(byS3.warnings.map(({ code }) => code)).not.toContain('PHOTOS_TAKE_LONG');
});

it('is told of before the first photo, and can be given up at any time', async () => {
  const controller = new AbortController();
  const told: Progress[] = [];
  const outputDir = folder();
  const made = createBackup({
    ...options,
    outputDir,
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.phase !== 'photos') return;
      told.push(progress);
      controller.abort();
    },
  });
  await expect(made).rejects.toMatchObject({ code: 'ABORT_ERR' });
  expect(told[0]).toMatchObject({ done: 0, total: 1201, leastSeconds: 300 });
  expect(listing(outputDir)).toEqual([]);
});
