/** The platform as large as it is: rows by D1's REST API, photos by S3, tried out; the short run takes a fiftieth of it. */

import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';

import { createBackup, verifyArchive } from '../index.js';
import { folder, removeFolders } from './support';
import { account, D1Double, databaseId, token } from './support/d1';
import { R2Double } from './support/r2';
import { full } from './support/random';
import { sqlite } from './support/tools';

/** What is in production: 1,200 works, 1,500 originals and two smaller copies of each, 1.3 GB. */
const share = full ? 1 : 50;
const [works, originals] = [1200 / share, 1500 / share];
const [originalBytes, copyBytes] = [700_000, 83_000];

let bucket: R2Double;
let rows: D1Double;

beforeAll(async () => {
  const base = folder();
  bucket = await new R2Double(join(base, 'v3')).listen();
  const body = randomFillSync(Buffer.alloc(originalBytes));
  for (let nth = 0; nth < originals; nth += 1) {
    body.writeUInt32BE(nth);
    await bucket.put(`originals/2025/09/04/photo-${nth}.jpg`, body);
    for (const size of ['400x400', '1024x1024']) {
      const key = `artworks/2025/09/04/photo-${nth}__${size}.jpg`;
      await bucket.put(key, body.subarray(0, copyBytes));
    }
  }
  const file = join(base, 'rows.sqlite');
  sqlite(
    file,
    `CREATE TABLE artwork (id TEXT PRIMARY KEY, title TEXT, description TEXT, lat REAL, lon REAL, photos TEXT,
       status TEXT NOT NULL);
     CREATE TABLE submissions (id TEXT PRIMARY KEY, artwork_id TEXT REFERENCES artwork, user_token TEXT, body TEXT);
     WITH n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${works - 1})
     INSERT INTO artwork SELECT printf('w%05d', n), 'Work ' || n, hex(zeroblob(400)), 49 + n / 1e4, -123 - n / 1e4,
       (SELECT json_group_array('originals/2025/09/04/photo-' || value || '.jpg')
          FROM generate_series(n * ${originals} / ${works}, (n + 1) * ${originals} / ${works} - 1)), 'approved' FROM n;
     INSERT INTO submissions SELECT 's' || value, printf('w%05d', value % ${works}), hex(randomblob(16)),
       hex(randomblob(500)) FROM generate_series(1, ${works * 3})`,
  );
  rows = await new D1Double(file).listen();
}, 600_000);

afterAll(async () => {
  await Promise.all([bucket.close(), rows.close()]);
  removeFolders();
});

it('is backed up whole', async () => {
  const d1 = { accountId: account, databaseId, apiToken: token, apiUrl: rows.apiUrl };
  const made = await createBackup({
    database: { d1 },
    photos: { s3: bucket.s3 },
    outputDir: folder(),
  });
  const { photos, drill } = made.metadata;
  expect({ ...photos, complete: made.complete, drill: drill?.integrity_check }).toMatchObject({
    complete: true,
    drill: 'ok',
    missing: [],
    originals,
    thumbnails: originals * 2,
  });
  expect((await verifyArchive(made.path)).ok).toBe(true);
  console.log(`${(made.size / 1e6).toFixed(0)} MB in ${(made.durationMs / 1000).toFixed(1)} s`);
}, 600_000);
