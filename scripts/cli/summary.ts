/** What a finished backup says of itself, line by line. */

import type { BackupResult, DrillMetadata } from '../../index.js';
import { count, counted, duration, size } from './format.js';

/** More would push what matters off the screen; metadata.json names all of them. */
const namedAtMost = 5;

/** Lines with a label each, in the order a worried operator asks. */
export function summarise(result: BackupResult): string[] {
  const { database, photos, drill, not_included: notIncluded } = result.metadata;
  const rows: [label: string, text: string][] = [
    ['archive', result.path],
    ['size', `${size(result.size)} (${count(result.size)} bytes)`],
    ['sha256', result.sha256],
    [
      'database',
      `${counted(database.tables.length, 'table')}, ${counted(database.total_rows, 'row')}`,
    ],
    ['photos', photosText(result)],
  ];
  if (photos.missing.length > 0) rows.push(['missing', missingText(result)]);
  if (photos.foreign > 0)
    rows.push(['foreign', `${counted(photos.foreign, 'reference')} to other hosts`]);
  if (photos.dangling > 0) {
    rows.push([
      'dangling',
      `${counted(photos.dangling, 'reference')} to photos that are not in the store`,
    ]);
  }
  rows.push(['drill', drillText(drill)]);
  for (const absent of notIncluded) rows.push(['not inside', absent]);
  for (const { code, message, subject } of result.warnings) {
    rows.push(['warning', `${code}${subject === undefined ? '' : ` ${subject}`}: ${message}`]);
  }
  rows.push(['took', duration(result.durationMs)]);
  return rows.map(([label, text]) => `  ${label.padEnd(10)}  ${text}`);
}

function photosText({ metadata: { photos, source }, reusedPhotos }: BackupResult): string {
  if (source.photos === null) return 'none: no source of photos was given';
  const reused = reusedPhotos > 0 ? `, ${count(reusedPhotos)} taken from the earlier backup` : '';
  return `${counted(photos.originals, 'original')}, ${counted(photos.thumbnails, 'variant')}, ${size(photos.bytes)}${reused}`;
}

function missingText({ metadata: { photos } }: BackupResult): string {
  const named = photos.missing.slice(0, namedAtMost).map(({ key, reason }) => `${key} (${reason})`);
  const more = photos.missing.length - named.length;
  return `${counted(photos.missing.length, 'photo')}: ${named.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
}

function drillText(drill: DrillMetadata | null): string {
  if (drill === null) return 'not run';
  const damage =
    drill.integrity_check === 'ok' && drill.foreign_key_problems === 0
      ? ''
      : `, with the damage that the source has (integrity check: ${drill.integrity_check}; ` +
        `${counted(drill.foreign_key_problems, 'orphan row')})`;
  return `loaded back: ${counted(drill.tables, 'table')}, ${counted(drill.rows, 'row')}, identical${damage}`;
}
