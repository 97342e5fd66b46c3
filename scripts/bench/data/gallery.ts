/** `node gallery.js FOLDER COUNT WIDTH HEIGHT SEED`: approved works with a photo each, as large as a phone takes them. */

import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Random } from '../../demo/random.js';
import { schema } from '../../demo/schema.js';
import { files } from '../data.js';
import { loadSharp, loadSqlite } from '../peers.js';

/** Noise of a third of the size, enlarged, has about the detail of a photo. */
const coarser = 3;

const [, , folder = '', ...numbers] = process.argv;
const [count = 0, width = 0, height = 0, seed = 0] = numbers.map(Number);
const at = files(folder);
mkdirSync(join(at.photos, 'originals'), { recursive: true });
const names = Array.from({ length: count }, (_, n) => `originals/photo-${n}.jpg`);
await makeDatabase();
await makePhotos();

async function makeDatabase(): Promise<void> {
  const Database = await loadSqlite();
  const db = new Database(at.database);
  db.exec(schema);
  const random = new Random(seed);
  const insert = db.prepare(
    "INSERT INTO artwork (id, title, lat, lon, photos, status) VALUES (?, ?, ?, ?, ?, 'approved')",
  );
  for (const [n, key] of names.entries()) {
    insert.run(
      random.uuid(),
      `Mural ${n}`,
      49 + random.next(),
      random.next(),
      JSON.stringify([key]),
    );
  }
  db.close();
}

async function makePhotos(): Promise<void> {
  const sharp = await loadSharp();
  const raw = { width: width / coarser, height: height / coarser, channels: 3 } as const;
  const key = createHash('sha256').update(`gallery ${seed}`).digest().subarray(0, 16);
  const noise = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(raw.width * raw.height * raw.channels);
  for (const name of names) {
    const photo = sharp(noise.update(zeros), { raw }).resize(width, height, { kernel: 'cubic' });
    writeFileSync(join(at.photos, name), await photo.jpeg({ quality: 85 }).toBuffer());
  }
}
