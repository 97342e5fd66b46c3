/** verifyArchive on archives that somebody made to harm: refused, within bounds of time and memory. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { verifyArchive } from '../index.js';
import { folder, removeFolders, root } from './support';
import { tiny, told } from './support/archives';
import { type Changes, rewrite } from './support/rewrite';

afterEach(removeFolders);

describe('a hostile archive', () => {
  const names = [
    '../evil',
    '/etc/evil',
    'C:/evil',
    'a\\..\\evil',
    'photos/../../evil',
    'NUL',
    'photos/aux.txt',
    'a/./b',
    'dot.',
    'x\u0000y',
  ];

  it.each(names)('with an entry called %j is refused', async (name) => {
    const dir = folder();
    const report = await verifyArchive(
      rewrite(await tiny(dir), dir, { add: { [name]: 'x' }, sums: true }),
    );
    expect(told(report).join('\n')).toMatch(/could lead outside/);
    expect(existsSync(join(dir, '..', 'evil'))).toBe(false);
  });

  it.each<[string, Changes, RegExp]>([
    [
      'a link',
      { link: { 'photos/originals/a': '/etc/passwd' }, sums: true },
      /a link, a folder or a device/,
    ],
    [
      'a folder in which bytes are hidden',
      { add: { 'photos/': 'x' }, sums: true },
      /photos\/: it is a link, a folder or a device/,
    ],
    [
      'names that differ in case',
      { add: { 'readme.MD': 'x' }, sums: true },
      /differs only in case/,
    ],
    [
      'SQL that attaches a file',
      {
        replace: { 'database.sql': "ATTACH '/tmp/cab-evil.sqlite' AS x; CREATE TABLE x.y(a);" },
        sums: true,
      },
      /database\.sql/,
    ],
  ])('with %s is refused', async (_, changes, message) => {
    const dir = folder();
    const report = await verifyArchive(rewrite(await tiny(dir), dir, changes));
    expect(told(report).join('\n')).toMatch(message);
    expect(existsSync('/tmp/cab-evil.sqlite')).toBe(false);
  });

  it('whose SQL has the right length and does what it must not is refused by the guard', async () => {
    const dir = folder();
    const archive = await tiny(dir);
    const sql = execFileSync('unzip', ['-p', archive, 'database.sql'], { encoding: 'utf8' });
    const evil = "ATTACH '/tmp/cab-evil.sqlite' AS x;".padEnd(Buffer.byteLength(sql) - 1) + '\n';
    const report = await verifyArchive(
      rewrite(archive, dir, { replace: { 'database.sql': evil }, sums: true }),
    );
    expect(told(report).join('\n')).toMatch(/database\.sql does not load/);
    expect(existsSync('/tmp/cab-evil.sqlite')).toBe(false);
  });

  it('whose entries share bytes, or that has millions of them, is refused at once', async () => {
    const dir = folder();
    const bomb = join(dir, 'bomb.zip');
    const script = `
import struct, sys, zlib
data = zlib.compress(bytes(1 << 20), 9)[2:-4]
crc = zlib.crc32(bytes(1 << 20))
def common(size): return struct.pack('<HHHHHIIIHH', 20, 0, 8, 0, 33, crc, len(data), size, 1, 0)
local = b'PK\\x03\\x04' + common(1 << 20) + b'a' + data
one = lambda name: b'PK\\x01\\x02' + struct.pack('<H', 0x314) + common(1 << 20) + struct.pack('<HHHII', 0, 0, 0, 0, 0) + name
many = int(sys.argv[2])
central = one(b'a') * many if many > 200 else b''.join(one(bytes([97 + n % 26])) for n in range(many))
end = struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, min(many, 65535), min(many, 65535), len(central), len(local), 0)
if many > 65534:
    end64 = struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 45, 45, 0, 0, many, many, len(central), len(local))
    end = end64 + struct.pack('<IIQI', 0x07064b50, 0, len(local) + len(central), 1) + end
open(sys.argv[1], 'wb').write(local + central + end)`;
    for (const [many, message] of [
      ['20', /shares bytes with another entry/],
      ['1000001', /more entries than any archive/],
      ['10000000', /more entries than any archive/],
    ] as const) {
      execFileSync('python3', ['-c', script, bomb, many]);
      const report = await verifyArchive(bomb);
      expect(told(report).join('\n')).toMatch(message);
      expect(report.problems.length).toBeLessThanOrEqual(1_001);
    }
  });
});

it('a size that no file has is told as much, and never as less than nothing', async () => {
  const path = join(folder(), 'lies.zip');
  const script = `
import struct, sys
name, body, size = b'database.sql', b'\\x03\\x00', (1 << 64) - 1000
large = struct.pack('<HHQ', 1, 8, size)
common = struct.pack('<HHHHHIIIHH', 45, 0, 8, 0, 33, 0, len(body), 0xffffffff, len(name), len(large))
local = b'PK\\x03\\x04' + common + name + large + body
central = b'PK\\x01\\x02' + struct.pack('<H', 0x32d) + common + struct.pack('<HHHII', 0, 0, 0, 0, 0) + name + large
end = struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 1, 1, len(central), len(local), 0)
open(sys.argv[1], 'wb').write(local + central + end)`;
  execFileSync('python3', ['-c', script, path]);
  const numbers: number[] = [];
  const report = await verifyArchive(path, {
    onProgress: ({ bytes, totalBytes = 0 }) => numbers.push(bytes, totalBytes),
  });
  expect(report.ok).toBe(false);
  expect(Math.max(...numbers)).toBeGreaterThan(2 ** 62);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
});

it('an index that would fill the memory is refused before it does', async () => {
  const dir = folder();
  const values = '0,'.repeat(15 << 20);
  const photo = `{"key":"a","path":"photos/originals/a","size":0,"sha256":"","http_metadata":{},
    "custom_metadata":{"a":[${values}0]}}`;
  const replace = { 'photos/index.json': `[${photo}]` };
  const archive = rewrite(await tiny(dir), dir, { replace, sums: true, comment: true });
  const script = `
    const { restoreBackup, verifyArchive } = require(process.argv[1]);
    const [peak, path, database] = process.argv.slice(2);
    verifyArchive(path)
      .then(({ problems }) => console.log(problems[0].subject, problems[0].message))
      .then(() => restoreBackup(path, { database }))
      .catch((error) => console.log(error.code))
      .then(() => import(peak))
      .then(({ peakBytes }) => console.log(peakBytes()));`;
  const peak = pathToFileURL(join(root, '__test__/support/peak.mjs')).href;
  const args = ['-e', script, join(root, 'index.js'), peak, archive, join(dir, 'back.sqlite')];
  const said = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  expect(said.slice(0, 2)).toEqual([
    'photos/index.json it is not the JSON that it should be',
    'ARCHIVE_CORRUPT',
  ]);
  // An empty process has 50 MB, a tree of that index 1,200 MB.
  expect(Number(said[2])).toBeLessThan(300e6);
});
