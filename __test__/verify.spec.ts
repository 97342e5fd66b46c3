/** verifyArchive and the command `verify`: what is sound is called so, and every damage is found and named. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createBackup, verifyArchive } from '../index.js';
import { database, folder, objects, removeFolders, run } from './support';
import { altered, backup, dump, tiny, told } from './support/archives';
import { approved, photo } from './support/platform';
import { full } from './support/random';
import { type Changes, rewrite } from './support/rewrite';
import { sha256 } from './support/tools';

afterEach(removeFolders);

describe('an archive that is sound', () => {
  it.each([
    ['backup', backup],
    ['data-dump', dump],
  ])('is called so: %s', async (kind, make) => {
    const path = await make(folder());
    const phases = new Set<string>();
    const bytes: number[] = [];
    const totals = new Set<number | undefined>();
    const report = await verifyArchive(path, {
      onProgress: (progress) => {
        phases.add(progress.phase);
        bytes.push(progress.bytes);
        totals.add(progress.totalBytes);
        expect(progress.totalBytes ?? progress.bytes).toBeGreaterThanOrEqual(progress.bytes);
      },
    });
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    // Known from the first to the last, so that no bar goes back.
    expect([...totals]).toEqual([bytes.at(-1)]);
    expect(report).toMatchObject({ ok: true, kind, problems: [], sha256: sha256(path) });
    expect(report.bytes).toBe(readFileSync(path).length);
    expect([...phases]).toEqual(['verify']);
  });
});

describe('a damaged backup', () => {
  type Case = [title: string, make: (archive: string, dir: string) => string, message: RegExp];
  const byte = (archive: string, dir: string, at: (bytes: Buffer) => number): string =>
    altered(archive, dir, (bytes) => {
      const place = at(bytes);
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      return bytes;
    });
  const photo = `photos/originals/${approved.originals[0]}`;
  const cases: Case[] = [
    ['empty', (a, d) => altered(a, d, () => Buffer.alloc(0)), /the file is empty/],
    ['a text', (a, d) => altered(a, d, () => Buffer.from('no archive\n')), /it is no ZIP/],
    ['half', (a, d) => altered(a, d, (b) => b.subarray(0, b.length / 2)), /cut short/],
    [
      'with bytes after it',
      (a, d) => altered(a, d, (b) => Buffer.concat([b, Buffer.alloc(9)])),
      /bytes were added/,
    ],
    [
      'with bytes before it',
      (a, d) => altered(a, d, (b) => Buffer.concat([Buffer.alloc(9), b])),
      /directory is not where/,
    ],
    [
      'a byte of the SQL flipped',
      (a, d) => byte(a, d, (b) => b.indexOf('database.sql') + 40),
      /ARCHIVE_CORRUPT database\.sql: it is damaged/,
    ],
    [
      'without README.md',
      (a, d) => rewrite(a, d, { delete: ['README.md'], sums: true }),
      /ARCHIVE_CORRUPT README\.md: every backup has it/,
    ],
    [
      'without SHA256SUMS',
      (a, d) => rewrite(a, d, { delete: ['SHA256SUMS'] }),
      /SHA256SUMS: it is missing/,
    ],
    [
      'SHA256SUMS is prose',
      (a, d) => rewrite(a, d, { replace: { SHA256SUMS: 'fine\n' } }),
      /SHA256SUMS: it does not consist of checksums/,
    ],
    [
      'an entry too many',
      (a, d) => rewrite(a, d, { add: { 'evil.sh': 'rm' } }),
      /ARCHIVE_CORRUPT evil\.sh: .*added later/,
    ],
    [
      'an entry too many, listed',
      (a, d) => rewrite(a, d, { add: { 'evil.sh': 'rm' }, sums: true }),
      /evil\.sh: a backup has no such entry/,
    ],
    [
      'another README.md',
      (a, d) => rewrite(a, d, { replace: { 'README.md': 'x' } }),
      /README\.md: it is not what SHA256SUMS says/,
    ],
    [
      'no database.sql',
      (a, d) => rewrite(a, d, { delete: ['database.sql'], sums: true }),
      /database\.sql: every backup has it/,
    ],
    [
      'a shorter database.sql',
      (a, d) => rewrite(a, d, { replace: { 'database.sql': 'SELECT 1;' }, sums: true }),
      /database\.sql: it has another length/,
    ],
    [
      'one letter of a row changed',
      (a, d) =>
        rewrite(a, d, {
          substitute: { 'database.sql': [['By the mill', 'By the hill']] },
          sums: true,
        }),
      /came back with other content/,
    ],
    [
      'SQL that is none',
      (a, d) =>
        rewrite(a, d, {
          substitute: { 'database.sql': [['CREATE TABLE', 'CREATE TABEL']] },
          sums: true,
        }),
      /database\.sql does not load/,
    ],
    [
      'metadata.json is no JSON',
      (a, d) => rewrite(a, d, { replace: { 'metadata.json': '{' }, sums: true }),
      /metadata\.json: it is not the JSON/,
    ],
    [
      'metadata.json of something else',
      (a, d) =>
        rewrite(a, d, {
          replace: { 'metadata.json': '{"format":"x","format_version":"1.0"}' },
          sums: true,
        }),
      /none of ours/,
    ],
    [
      'metadata.json of a format version that never was',
      (a, d) =>
        rewrite(a, d, {
          substitute: {
            'metadata.json': [['"format_version": "1.0"', '"format_version": "0.9"']],
          },
          sums: true,
        }),
      /metadata\.json: it names a format version that there never was/,
    ],
    [
      'metadata.json counts other rows',
      (a, d) =>
        rewrite(a, d, {
          substitute: { 'metadata.json': [['"total_rows": ', '"total_rows": 1']] },
          sums: true,
        }),
      /counts other rows/,
    ],
    [
      'a photo that is gone',
      (a, d) => rewrite(a, d, { delete: [photo], sums: true }),
      /index\.json lists it, and it is missing/,
    ],
    [
      'another photo',
      (a, d) => rewrite(a, d, { replace: { [photo]: 'another' }, sums: true }),
      /not the photo that photos\/index\.json describes/,
    ],
    [
      'JSON as deep as memory',
      (a, d) =>
        rewrite(a, d, { replace: { 'photos/index.json': '['.repeat(2_000_000) }, sums: true }),
      /index\.json: it is not the JSON/,
    ],
  ];

  it.each(cases)('is told apart: %s', async (_, make, message) => {
    const dir = folder();
    const archive = await backup(dir);
    const report = await verifyArchive(make(archive, dir));
    expect(report.ok).toBe(false);
    expect(told(report).join('\n')).toMatch(message);
    expect(report.problems[0]?.code).toBe('ARCHIVE_CORRUPT');
  });

  it('names each entry that is missing, also where several were the same', async () => {
    const dir = folder();
    const names = ['photos/originals/a.txt', 'photos/originals/b.txt'];
    const add = Object.fromEntries(names.map((name) => [name, 'the same']));
    const whole = rewrite(await backup(dir), dir, { add, sums: true });
    const report = await verifyArchive(rewrite(whole, folder(), { delete: names }));
    expect(told(report)).toEqual(
      names.map((name) => `ARCHIVE_CORRUPT ${name}: it is missing: take another copy`),
    );
  });

  it('is found at every byte, whatever the byte', async () => {
    const dir = folder();
    const sound = readFileSync(await tiny(dir));
    const masks = full ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (sound.length % 8)];
    let altered = 0;
    for (let at = 0; at < sound.length; at += 1) {
      for (const mask of masks) {
        const bytes = Buffer.from(sound);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const path = join(dir, 'flipped.zip');
        writeFileSync(path, bytes);
        const { ok, problems } = await verifyArchive(path);
        const codes = new Set(problems.map(({ code }) => code));
        if (ok || codes.size === 0) throw new Error(`byte ${at}, mask ${mask}: not found`);
        altered += Number(codes.has('ARCHIVE_ALTERED') && codes.size === 1);
      }
    }
    // Both kinds are met: the comment alone has 64 bytes.
    expect(altered).toBeGreaterThan(64);
  }, 600_000);

  it('is found at every length that it may be cut to', async () => {
    const dir = folder();
    const sound = readFileSync(await tiny(dir));
    const path = join(dir, 'cut.zip');
    for (let length = 0; length < sound.length; length += 1) {
      writeFileSync(path, sound.subarray(0, length));
      const { ok } = await verifyArchive(path);
      if (ok) throw new Error(`cut to ${length}: not found`);
    }
  }, 600_000);
});

describe('bytes that were changed and are no contents', () => {
  it.each<[string, (archive: string, dir: string) => string, RegExp]>([
    [
      'the comment',
      (a, d) => altered(a, d, (b) => Buffer.concat([b.subarray(0, -1), Buffer.from('g')])),
      /none of them contents/,
    ],
    [
      'names',
      (a, d) => rewrite(a, d, { rename: { 'README.md': 'READ.md' } }),
      /ARCHIVE_ALTERED READ\.md: it was called README\.md/,
    ],
    ['dates', (a, d) => rewrite(a, d, {}), /none of them contents/],
  ])('are told apart from damage: %s', async (what, make, message) => {
    const dir = folder();
    const report = await verifyArchive(make(await backup(dir), dir));
    expect(report.ok).toBe(false);
    expect(told(report).join('\n')).toMatch(message);
    const codes = report.problems.map(({ code }) => code);
    expect(codes).toContain('ARCHIVE_ALTERED');
    // A renamed README.md is missing, too.
    if (what !== 'names') expect(new Set(codes)).toEqual(new Set(['ARCHIVE_ALTERED']));
  });

  it('a newer format is refused and said', async () => {
    const dir = folder();
    const newerFormat: Changes = {
      substitute: { 'metadata.json': [['"format_version": "1.0"', '"format_version": "2.0"']] },
      sums: true,
    };
    const report = await verifyArchive(rewrite(await backup(dir), dir, newerFormat));
    expect(report).toMatchObject({ ok: false, kind: null });
    expect(told(report)).toEqual([expect.stringMatching(/FORMAT_NEWER.*use the one that made it/)]);
  });
});

describe('the call', () => {
  it.each([
    ['no path', undefined],
    ['a number', 3],
    ['an empty path', ''],
  ])('rejects %s', async (_, path) => {
    await expect(verifyArchive(path as unknown as string)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  it('rejects what cannot be opened, and a signal that is aborted', async () => {
    const dir = folder();
    for (const path of [join(dir, 'nothing.zip'), dir]) {
      await expect(verifyArchive(path)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' });
    }
    const signal = AbortSignal.abort();
    await expect(verifyArchive(await tiny(dir), { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('the command', () => {
  it('prints no command for the terminal that a name in the archive holds', async () => {
    const dir = folder();
    const name = 'photos/originals/\u001b[31mred\u0007\u202e\u061c.jpg';
    const archive = rewrite(await tiny(dir), dir, { add: { [name]: 'x' }, sums: true });
    const { stdout, stderr } = await run(['verify', archive], { cwd: dir });
    expect(stdout + stderr).not.toMatch(/[^\n\P{Cc}]|[\u202e\u061c]/u);
    expect(stdout).toContain('\\u{1b}[31mred\\u{7}\\u{202e}\\u{61c}.jpg');
  });

  it('calls nothing sound that it does not name, where more is damaged than a screen holds', async () => {
    const dir = folder();
    const keys = Array.from({ length: 1005 }, (_, n) => `originals/${String(n)}.jpg`);
    for (const key of keys) photo(join(dir, 'photos'), key, key);
    const made = await createBackup({
      database: { file: database(dir) },
      photos: { directory: join(dir, 'photos') },
      photoScope: 'all',
      outputDir: dir,
    });
    const lastLines = async (lost: readonly string[]): Promise<string[]> => {
      const damaged = rewrite(made.path, dir, {
        delete: lost.map((key) => `photos/originals/${key}`),
        sums: true,
        comment: true,
      });
      const { code, stdout } = await run(['verify', damaged], { cwd: dir });
      expect(code).toBe(1);
      return stdout.trimEnd().split('\n').slice(-3);
    };
    expect((await lastLines(keys.slice(0, 20))).at(-1)).toMatch(
      /; what is not named above is sound$/,
    );
    const [more, unlisted, verdict] = await lastLines(keys);
    expect(more).toMatch(/problem +and 980 more$/);
    expect(unlisted).toMatch(/problem +ARCHIVE_CORRUPT: 5 more problems are not listed here$/);
    expect(verdict).toMatch(/; more is wrong than is named above: see --json$/);
  });

  it('says what it found, for people and for programs, and ends with a code', async () => {
    const dir = folder();
    const archive = await tiny(dir);
    const sound = await run(['verify', archive], { cwd: dir });
    expect(sound).toMatchObject({ code: 0, stderr: '' });
    expect(sound.stdout).toMatch(/^Sound: every byte is as it was written, and the rows load$/m);
    const damaged = altered(archive, dir, (bytes) => bytes.subarray(0, 99));
    const found = await run(['verify', damaged, '--json'], { cwd: dir });
    expect(found.code).toBe(1);
    const summary = objects(found).find(({ type }) => type === 'summary');
    expect(summary).toMatchObject({ ok: false, kind: null });
    const human = await run(['verify', damaged], { cwd: dir });
    expect(human.stdout).toMatch(/^DAMAGED: take another copy/m);
    expect((await run(['verify', archive, '--quiet'], { cwd: dir })).stdout).toBe('');
    expect((await run(['verify'], { cwd: dir })).code).toBe(2);
    const absent = await run(['verify', join(dir, 'no.zip')], { cwd: dir });
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/cannot open the archive .*no\.zip: there is no such file/);
  });
});
