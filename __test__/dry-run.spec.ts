/** What a backup and a data dump say that they would hold, without making it. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type DataDumpOptions, previewDataDump } from '../index.js';
import { database, folder, listing, objects, removeFolders, run } from './support';
import { archive, dump, newest, oldest } from './support/dumps';
import { project } from './support/projects';
import { sqlite } from './support/tools';

afterEach(removeFolders);

describe('a dry run', () => {
  it('says what is there and makes nothing', async () => {
    const cwd = folder();
    const file = database(cwd);
    const args = ['backup', '--database-file', file, '--dry-run'];
    const before = listing(cwd);
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Dry run: backup of the database file/);
    expect(stdout).toContain('1 table, 3 rows');
    expect(stdout).toContain(`(source: ${file})`);
    const told = objects(await run([...args, '--json'], { cwd }));
    expect(told).toEqual([
      expect.objectContaining({ type: 'summary', dryRun: true, tables: 1, rows: 3, photos: null }),
    ]);
    expect(listing(cwd)).toEqual(before);
  });

  it('counts photos, and those that an earlier backup has', async () => {
    const cwd = project({ 'photos/originals/a.jpg': 'first', 'photos/originals/b.jpg': 'second' });
    const file = database(cwd);
    const args = [
      'backup',
      '--database-file',
      file,
      '--photos-dir',
      'photos',
      '--photo-scope',
      'all',
    ];
    const made = await run([...args, '--quiet'], { cwd });
    writeFileSync(join(cwd, 'photos/originals/b.jpg'), 'another');
    const [told] = objects(
      await run([...args, '--dry-run', '--json', '--reuse-from', made.stdout.trimEnd()], { cwd }),
    );
    expect(told?.['photos']).toMatchObject({
      source: 'directory',
      originals: 2,
      bytes: 12,
      reusable: 1,
      reusableBytes: 5,
    });
  });
});

/** As `newest`, with an artist whose one public work is under another licence. */
const withForeign = `${newest}
INSERT INTO artwork_artists (artwork_id, artist_id, role, created_at) VALUES ('osm', 'c2', 'primary', '2025-01-02 03:04:05');`;

describe('a dry run of a data dump', () => {
  it.each([
    ['newest-generation', 'exclude', newest],
    ['newest-generation', 'separate', withForeign],
    ['first-generation', 'exclude', oldest],
  ] as const)(
    'counts what the dump of a database of the %s holds (%s)',
    async (schema, how, rows) => {
      const made = archive(schema, rows);
      const options: DataDumpOptions = {
        database: { file: made.file },
        photos: { directory: join(made.dir, 'photos') },
        foreignLicenses: how,
      };
      const before = listing(made.dir);
      const preview = await previewDataDump(options);
      expect(listing(made.dir)).toEqual(before);
      const { metadata, warnings } = await dump(made, { foreignLicenses: how });
      expect(preview).toMatchObject({
        database: 'file',
        artworks: metadata.counts.total_artworks,
        creators: metadata.counts.total_creators,
        otherLicenses: Object.values(metadata.filters.excluded_foreign).reduce((a, b) => a + b, 0),
        photos: {
          source: 'directory',
          photos: metadata.counts.total_photos,
          bytes: statSync(join(made.dir, 'photos/originals/2025/09/04/heron.jpg')).size,
          dangling: metadata.photos_missing.length,
          foreign: 0,
        },
      });
      expect(warnings).toEqual(expect.arrayContaining(preview.warnings));
      const rowsAlone = await previewDataDump({ ...options, thumbnails: 'none' });
      expect(rowsAlone).toMatchObject({ artworks: preview.artworks, photos: null });
    },
  );

  it('is told as a backup tells its own', async () => {
    const { dir, file } = archive();
    const args = ['data-dump', '--database-file', file, '--photos-dir', join(dir, 'photos')];
    const before = listing(dir);
    const { code, stdout, stderr } = await run([...args, '--dry-run'], { cwd: dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Dry run: data dump of the database file/);
    expect(stdout).toContain('3 artworks, 1 creator');
    expect(stdout).toMatch(/1 photo, .* \(source: /);
    const told = objects(await run([...args, '--dry-run', '--json'], { cwd: dir }));
    expect(told).toEqual([
      expect.objectContaining({ type: 'summary', dryRun: true, artworks: 3, otherLicenses: 1 }),
    ]);
    expect(listing(dir)).toEqual(before);
  });

  it('fails for what the dump would fail for', async () => {
    const rows = Array.from({ length: 30 }, (_, n) => `('m${n}', 1, 2, 'approved', 'x', 'x')`);
    const many = `INSERT INTO artwork (id, lat, lon, status, created_at, updated_at) VALUES ${rows.join(',')};`;
    const made = archive('newest-generation', newest + many);
    const previous = (await dump(made)).path;
    sqlite(made.file, "DELETE FROM artwork WHERE id LIKE 'm%'");
    const photos = { directory: join(made.dir, 'photos') };
    const options: DataDumpOptions = { database: { file: made.file }, photos, previous };
    await expect(previewDataDump(options)).rejects.toMatchObject({ code: 'DUMP_SHRUNK' });
    await expect(previewDataDump({ ...options, allowShrink: true })).resolves.toBeDefined();
    const elsewhere = join(made.dir, 'elsewhere');
    mkdirSync(elsewhere);
    const wrong = previewDataDump({
      database: { file: made.file },
      photos: { directory: elsewhere },
    });
    await expect(wrong).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    await expect(previewDataDump({ database: {} })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});
