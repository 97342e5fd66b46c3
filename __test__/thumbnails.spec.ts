/** The photos of a data dump, judged by libvips, Pillow and LittleCMS, which had no part in making them. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import sharp from 'sharp';

import { createDataDump, type DataDumpResult } from '../index.js';
import { folder, removeFolders, root } from './support';
import { python } from './support/python';
import { entriesOf } from './support/secrets';
import { sqlite, tool } from './support/tools';

afterEach(removeFolders);

/** Dumps one artwork with these photos, in this order: what the dump says of them, and its entries. */
async function dump(
  photos: Record<string, Buffer>,
): Promise<{ result: DataDumpResult; entries: Map<string, Buffer> }> {
  const dir = folder();
  const file = join(dir, 'archive.sqlite');
  const names = Object.keys(photos).map((name) => `originals/${name}`);
  const script = join(dir, 'rows.sql');
  writeFileSync(
    script,
    `INSERT INTO artwork (id, title, lat, lon, photos, status, created_at, updated_at) VALUES
     ('a', 'Heron', 1, 2, '${JSON.stringify(names)}', 'approved', '2025-01-02 03:04:05', '2025-01-02 03:04:05');`,
  );
  sqlite(
    file,
    'PRAGMA ignore_check_constraints = ON;',
    `.read ${join(root, '__test__/fixtures/newest-generation.sql')}`,
    `.read ${script}`,
  );
  mkdirSync(join(dir, 'photos/originals'), { recursive: true });
  for (const [name, bytes] of Object.entries(photos)) {
    writeFileSync(join(dir, 'photos/originals', name), bytes);
  }
  const result = await createDataDump({
    database: { file },
    photos: { directory: join(dir, 'photos') },
    outputDir: join(dir, 'out'),
    now: '2026-01-02T03:04:05Z',
  });
  return { result, entries: entriesOf(result.path ?? '') };
}

/** The thumbnail of the nth photo, counted from 1. */
function thumbnail(entries: Map<string, Buffer>, nth: number): Buffer {
  const bytes = entries.get(`photos/thumbnails/a-${nth}.jpg`);
  if (bytes === undefined) {
    throw new Error(`no thumbnail ${nth} among ${[...entries.keys()].join(', ')}`);
  }
  return bytes;
}

type Colour = readonly [number, number, number];
const red: Colour = [220, 30, 30];
const green: Colour = [30, 200, 40];
const blue: Colour = [30, 40, 220];
const yellow: Colour = [230, 220, 40];

/** Four quarters: red and green above, blue and yellow below. */
function quarters(width: number, height: number): sharp.Sharp {
  const row = (left: Colour, right: Colour): Buffer =>
    Buffer.from(Array.from({ length: width }, (_, x) => (x < width / 2 ? left : right)).flat());
  const [above, below] = [row(red, green), row(blue, yellow)];
  const rows = Array.from({ length: height }, (_, y) => (y < height / 2 ? above : below));
  return sharp(Buffer.concat(rows), { raw: { width, height, channels: 3 } });
}

/** The colours in the middle of each quarter, row by row. */
async function middles(jpeg: Buffer): Promise<Colour[]> {
  const { data, info } = await sharp(jpeg)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [0.25, 0.75].flatMap((y) =>
    [0.25, 0.75].map((x): Colour => {
      const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3;
      return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
    }),
  );
}

function farthest(found: readonly Colour[], wanted: readonly Colour[]): number {
  const distances = found.flatMap((colour, nth) =>
    colour.map((sample, channel) => Math.abs(sample - (wanted[nth]?.[channel] ?? 0))),
  );
  return Math.max(...distances);
}

test('all eight orientations come out upright, their longest side 800 exactly', async () => {
  /** How each orientation is stored: turned clockwise by degrees, then mirrored. */
  const stored: (readonly [number, 'flip' | 'flop' | null])[] = [
    [0, null],
    [0, 'flop'],
    [180, null],
    [0, 'flip'],
    [270, 'flip'],
    [270, null],
    [90, 'flip'],
    [90, null],
  ];
  const photos: Record<string, Buffer> = {};
  const upright = await quarters(1203, 902).png().toBuffer();
  for (const [nth, [degrees, mirror]] of stored.entries()) {
    const turned = sharp(upright).rotate(degrees);
    // Read again, or libvips would mirror before it turns.
    const picture = sharp(await turned.png().toBuffer());
    const held = mirror === null ? picture : picture[mirror]();
    const orientation = nth + 1;
    photos[`${orientation}.jpg`] = await held
      .jpeg({ quality: 95, progressive: nth % 2 === 0 })
      .withMetadata({ orientation })
      .toBuffer();
  }
  const { entries } = await dump(photos);
  for (let nth = 1; nth <= 8; nth += 1) {
    const jpeg = thumbnail(entries, nth);
    const { width, height, format, orientation, exif, icc, xmp, iptc, chromaSubsampling } =
      await sharp(jpeg).metadata();
    expect({ width, height, format, orientation, exif, icc, xmp, iptc, chromaSubsampling }).toEqual(
      {
        width: 800,
        height: 600,
        format: 'jpeg',
        chromaSubsampling: '4:2:0',
      },
    );
    expect(farthest(await middles(jpeg), [red, green, blue, yellow])).toBeLessThan(10);
  }
});

test('a small photo is not enlarged, a long one keeps a pixel, and other formats are read', async () => {
  const small = await quarters(120, 90).webp({ lossless: true }).toBuffer();
  const long = await quarters(4000, 2).png().toBuffer();
  const clear = await sharp({
    create: { width: 900, height: 30, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  })
    .png()
    .toBuffer();
  const { entries } = await dump({
    'small.webp': small,
    'long.png': long,
    'clear.png': clear,
    'photo.gif': await quarters(1000, 500).gif().toBuffer(),
    'photo.tif': await quarters(500, 1000).tiff({ compression: 'lzw' }).toBuffer(),
  });
  const sides = async (nth: number): Promise<(number | undefined)[]> => {
    const { width, height } = await sharp(thumbnail(entries, nth)).metadata();
    return [width, height];
  };
  expect(await sides(1)).toEqual([120, 90]);
  expect(await sides(2)).toEqual([800, 1]);
  expect(farthest(await middles(thumbnail(entries, 3)), Array(4).fill([255, 255, 255]))).toBe(0);
  expect(await sides(4)).toEqual([800, 400]);
  expect(await sides(5)).toEqual([400, 800]);
});

test('colours of a wide gamut and of inks are those that libvips shows in sRGB', async () => {
  const picture = await quarters(1000, 1000).png().toBuffer();
  const photos = {
    'p3.jpg': await sharp(picture).withIccProfile('p3').jpeg({ quality: 98 }).toBuffer(),
    'cmyk.jpg': await sharp(picture)
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .jpeg({ quality: 98 })
      .toBuffer(),
  };
  expect((await sharp(photos['p3.jpg']).metadata()).icc).toBeDefined();
  expect((await sharp(photos['cmyk.jpg']).metadata()).space).toBe('cmyk');
  const { entries } = await dump(photos);
  const shown = async (bytes: Buffer): Promise<Colour[]> =>
    middles(await sharp(bytes).toColourspace('srgb').png().toBuffer());
  expect(
    farthest(await middles(thumbnail(entries, 1)), await shown(photos['p3.jpg'])),
  ).toBeLessThan(8);
  // Dark inks differ by what two libraries make of the blackest black.
  expect(
    farthest(await middles(thumbnail(entries, 2)), await shown(photos['cmyk.jpg'])),
  ).toBeLessThan(40);
});

/** What `open-data/pictures.py` sees in a picture. */
interface Look {
  readonly size: [number, number];
  readonly mode: string;
  readonly beside: string[];
  readonly colours: Colour[];
}

// Not in the time of a test: the first time it is downloaded.
const pillow = python(join(__dirname, 'open-data/requirements.txt'));

test('pictures of every kind that Pillow writes look the same to it as their thumbnails', async () => {
  const dir = folder();
  const script = join(__dirname, 'open-data/pictures.py');
  const made = JSON.parse(tool(pillow, [script, 'make', dir])) as string[];
  const picture = await quarters(1200, 900).png().toBuffer();
  const more: Record<string, Buffer> = {
    'p3.jpg': await sharp(picture).withIccProfile('p3').jpeg({ quality: 98 }).toBuffer(),
    'inks-with-profile.jpg': await sharp(picture)
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .jpeg({ quality: 98 })
      .toBuffer(),
    'interlaced.png': await sharp(picture).png({ progressive: true }).toBuffer(),
    'palette-interlaced.png': await sharp(picture)
      .png({ palette: true, progressive: true })
      .toBuffer(),
  };
  for (const [name, bytes] of Object.entries(more)) writeFileSync(join(dir, name), bytes);
  const names = [...made, ...Object.keys(more)];
  const look = (files: string[]): Look[] =>
    JSON.parse(tool(pillow, [script, 'look', ...files])) as Look[];
  const originals = look(names.map((name) => join(dir, name)));
  const { result, entries } = await dump(
    Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name))])),
  );
  expect(result.metadata.photos_missing).toEqual([]);
  const files = names.map((name, at) => {
    const file = join(dir, `thumbnail-of-${name}.jpg`);
    writeFileSync(file, thumbnail(entries, at + 1));
    return file;
  });
  for (const [at, seen] of look(files).entries()) {
    const name = names[at] ?? '';
    const [width = 0, height = 0] = originals[at]?.size ?? [];
    const { size, mode, beside, colours } = seen;
    expect({ name, size, mode, beside }).toEqual({
      name,
      size: [800, (800 * height) / width],
      mode: 'RGB',
      beside: [],
    });
    const far = farthest(colours, originals[at]?.colours ?? []);
    expect(far > 6 ? { name, far, colours, wanted: originals[at]?.colours } : {}).toEqual({});
  }
});

test('damaged, hostile and foreign photos are listed with their reason, and cost nothing else', async () => {
  const sound = await quarters(1000, 750).jpeg().toBuffer();
  const bomb = await quarters(8, 8).png().toBuffer();
  bomb.writeUInt32BE(30_000, 16);
  bomb.writeUInt32BE(30_000, 20);
  const gif = await quarters(8, 8).gif().toBuffer();
  gif.writeUInt16LE(65_535, 6);
  gif.writeUInt16LE(65_535, 8);
  const { result, entries } = await dump({
    'sound.jpg': sound,
    'truncated.jpg': sound.subarray(0, sound.length / 2),
    'apple.heic': Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic and more', 'latin1'),
    'text.jpg': Buffer.from('<html>not found</html>'),
    'empty.jpg': Buffer.alloc(0),
    'gif.gif': gif,
    'bomb.png': bomb,
  });
  const missing = result.metadata.photos_missing;
  expect(missing.map(({ photo }) => photo)).toEqual(['a#2', 'a#3', 'a#4', 'a#5', 'a#6', 'a#7']);
  const reasons = missing.map(({ reason }) => reason);
  expect(reasons.slice(0, 5)).toEqual([
    'undecodable',
    'heic',
    'unsupported_format',
    'undecodable',
    'too_large',
  ]);
  expect(['too_large', 'undecodable']).toContain(reasons[5]);
  expect(thumbnail(entries, 1).length).toBeGreaterThan(0);
  expect(result.metadata.counts.total_photos).toBe(1);
});

test('bombs of every kind end as a reason, in little memory', async () => {
  const progressive = await quarters(1600, 1200).jpeg({ progressive: true }).toBuffer();
  const scan = progressive.subarray(progressive.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
  const scans = Array.from({ length: 5_000 }, () => scan);
  const huge = Buffer.from(await quarters(64, 64).jpeg().toBuffer());
  const frame = huge.indexOf(Buffer.from([0xff, 0xc0]));
  huge.writeUInt16BE(65_500, frame + 5);
  huge.writeUInt16BE(65_500, frame + 7);
  const png = await quarters(1000, 750).png().toBuffer();
  // A gigabyte of nothing where a profile and a text should be.
  const chunks = ['iCCP', 'zTXt'].map((type) =>
    chunk(type, Buffer.concat([Buffer.from('x\0\0', 'latin1'), gigabyte()])),
  );
  let most = 0;
  const before = process.memoryUsage.rss();
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 5);
  const { result } = await dump({
    'sound.jpg': progressive,
    'scans.jpg': Buffer.concat([progressive.subarray(0, -2), ...scans, progressive.subarray(-2)]),
    'huge.jpg': huge,
    'chunks.png': Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]),
  });
  clearInterval(watch);
  expect(result.metadata.photos_missing.map(({ photo, reason }) => [photo, reason])).toEqual([
    ['a#2', 'too_large'],
    ['a#3', 'too_large'],
  ]);
  // Nobody needs what it claims to be.
  expect(result.metadata.counts.total_photos).toBe(2);
  expect(most).toBeLessThan(500 * 2 ** 20);
});

/** A chunk of a PNG. */
function chunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([ends.subarray(0, 4), content, ends.subarray(4)]);
}

/** A gigabyte of zeros in the form of zlib: the same block again and again, so that nobody has to deflate all of it. */
function gigabyte(): Buffer {
  const block = deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: constants.Z_FULL_FLUSH });
  const end = deflateRawSync(Buffer.alloc(0));
  // Adler-32: one and the zeros, and their number.
  const sum = Buffer.from([0, 0, 0, 1]);
  sum.writeUInt16BE((1 << 30) % 65_521);
  return Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array<Buffer>(1024).fill(block), end, sum]);
}
