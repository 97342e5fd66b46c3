/** What an archive that was made, or would be, says of itself, line by line. */

import type {
  BackupOptions,
  BackupPreview,
  BackupResult,
  DataDumpPreview,
  DataDumpResult,
  DrillMetadata,
} from '../../index.js';
import { count, counted, duration, size } from './format.js';
import { labelled, listed, remarks, type Row } from './lines.js';

/** More would push what matters off the screen; metadata.json names all of them. */
const namedAtMost = 5;

/** Lines with a label each, in the order a worried operator asks. */
export function summarise(result: BackupResult): string[] {
  const { database, photos, drill, not_included: notIncluded } = result.metadata;
  const rows: Row[] = [
    ['archive', result.path],
    ['size', `${size(result.size)} (${count(result.size)} bytes)`],
    ['sha256', result.sha256],
    [
      'database',
      `${counted(database.tables.length, 'table')}, ${counted(database.total_rows, 'row')}`,
    ],
    ['photos', photosText(result)],
  ];
  if (photos.missing.length > 0) {
    const named = photos.missing.map(({ key, reason }) => `${key} (${reason})`);
    rows.push(['missing', missingText(named, photos.missing_unlisted)]);
  }
  rows.push(...references(photos));
  rows.push(['drill', drillText(drill)]);
  rows.push(...notInside(notIncluded), ...remarks('warning', result.warnings));
  rows.push(['took', duration(result.durationMs)]);
  return rows.map(labelled);
}

/** The same for a data dump, in the order of somebody who is about to publish it. */
export function summariseDump(result: DataDumpResult): string[] {
  const { counts, filters, privacy, photos_missing: missing } = result.metadata;
  const redactions = Object.entries({ ...privacy.redactions }).filter(([, times]) => times > 0);
  const rows: Row[] = [
    ['archive', result.path ?? ''],
    ['size', `${size(result.size)} (${count(result.size)} bytes)`],
    ['sha256', result.sha256],
    [
      'inside',
      `${counted(counts.total_artworks, 'artwork')}, ${counted(counts.total_creators, 'creator')}, ` +
        `${counted(counts.total_tags, 'tag')}, ${counted(counts.total_photos, 'photo')}`,
    ],
    [
      'redacted',
      redactions.length === 0
        ? 'nothing: no identifier of a user stood in a text'
        : redactions.map(([kind, times]) => `${kind} ${count(times)}`).join(', '),
    ],
  ];
  if (missing.length > 0) {
    const named = missing.map(({ photo, reason }) => `${photo} (${reason})`);
    rows.push(['missing', missingText(named, result.metadata.photos_missing_unlisted)]);
  }
  const isApart = filters.foreign_licenses === 'separate';
  for (const [licence, held] of Object.entries(filters.excluded_foreign)) {
    const under = `${counted(held, 'row')} under ${licence}`;
    rows.push(
      isApart
        ? ['apart', `${under}: works in artwork-other-licenses.json, creators in no file`]
        : ['not inside', under],
    );
  }
  rows.push(...remarks('warning', result.warnings), ['took', duration(result.durationMs)]);
  return rows.map(labelled);
}

/** The same for a backup that is not made. */
export function summarisePreview(
  preview: BackupPreview,
  sources: Pick<BackupOptions, 'database' | 'photos'>,
): string[] {
  const { photos } = preview;
  const rows: Row[] = [
    [
      'database',
      `${counted(preview.tables, 'table')}, ${counted(preview.rows, 'row')}, ` +
        `${size(preview.databaseBytes)} (source: ${databasePlace(sources.database)})`,
    ],
    [
      'photos',
      photos === null
        ? 'none: no source of photos was given'
        : `${counted(photos.originals, 'original')}, ${counted(photos.thumbnails, 'variant')}, ` +
          `${size(photos.bytes)} (source: ${photosPlace(sources.photos)})`,
    ],
  ];
  if (photos !== null) {
    if (photos.reusable > 0) {
      rows.push([
        'reused',
        `${counted(photos.reusable, 'photo')}, ${size(photos.reusableBytes)} are in the earlier backup`,
      ]);
    }
    rows.push(...references(photos));
  }
  rows.push(...notInside(preview.notIncluded), ...remarks('warning', preview.warnings));
  return rows.map(labelled);
}

/** The same for a data dump that is not made. */
export function summariseDumpPreview(
  preview: DataDumpPreview,
  sources: Pick<BackupOptions, 'database' | 'photos'>,
): string[] {
  const { photos } = preview;
  const rows: Row[] = [
    ['database', databasePlace(sources.database)],
    ['inside', `${counted(preview.artworks, 'artwork')}, ${counted(preview.creators, 'creator')}`],
    [
      'photos',
      photos === null
        ? 'none: no thumbnails are made'
        : `${counted(photos.photos, 'photo')}, ${size(photos.bytes)} (source: ${photosPlace(sources.photos)})`,
    ],
    ...(photos === null ? [] : references(photos)),
    ...remarks('warning', preview.warnings),
  ];
  return rows.map(labelled);
}

/** Where rows are read from; never a secret. */
function databasePlace({ file, sql, wrangler, d1 }: BackupOptions['database']): string {
  if (wrangler !== undefined) {
    return `the database ${wrangler.databaseId} in ${stateOf(wrangler)}`;
  }
  if (d1 !== undefined) return `the database ${d1.databaseId} of account ${d1.accountId}`;
  return file ?? sql ?? '';
}

/** Where photos are read from; never a secret. */
function photosPlace(photos: BackupOptions['photos'] = {}): string {
  const { directory, wrangler, s3, r2, publicUrl } = photos;
  if (wrangler !== undefined) return `the bucket ${wrangler.bucket} in ${stateOf(wrangler)}`;
  if (s3 !== undefined) return `the bucket ${s3.bucket} at ${s3.endpoint}`;
  if (r2 !== undefined) return `the bucket ${r2.bucket} of account ${r2.accountId}`;
  return directory ?? publicUrl ?? '';
}

function stateOf({ stateDir }: { stateDir?: string | undefined }): string {
  return stateDir ?? '.wrangler/state/v3';
}

function references({ foreign, dangling }: { foreign: number; dangling: number }): Row[] {
  const rows: Row[] = [];
  if (foreign > 0) {
    const where = foreign === 1 ? 'another host' : 'other hosts';
    rows.push(['foreign', `${counted(foreign, 'reference')} to ${where}`]);
  }
  if (dangling > 0) {
    const what = dangling === 1 ? 'a photo that is' : 'photos that are';
    rows.push(['dangling', `${counted(dangling, 'reference')} to ${what} not in the store`]);
  }
  return rows;
}

function notInside(absent: readonly string[]): Row[] {
  return absent.map((one): Row => ['not inside', one]);
}

function photosText({ metadata: { photos, source }, reusedPhotos }: BackupResult): string {
  if (source.photos === null) return 'none: no source of photos was given';
  const reused = reusedPhotos > 0 ? `, ${count(reusedPhotos)} taken from the earlier backup` : '';
  return `${counted(photos.originals, 'original')}, ${counted(photos.thumbnails, 'variant')}, ${size(photos.bytes)}${reused}`;
}

function missingText(photos: readonly string[], unlisted = 0): string {
  return `${counted(photos.length + unlisted, 'photo')}: ${listed(photos, namedAtMost, unlisted)}`;
}

function drillText(drill: DrillMetadata | null): string {
  if (drill === null) return 'not run';
  const damage =
    drill.integrity_check === 'ok' && drill.foreign_key_problems === 0
      ? ''
      : `, with the damage that the source has (integrity check: ${drill.integrity_check}; ` +
        `${counted(drill.foreign_key_problems, 'reference')} to a missing parent)`;
  return `loaded back: ${counted(drill.tables, 'table')}, ${counted(drill.rows, 'row')}, identical${damage}`;
}
