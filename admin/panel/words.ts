/** How things are said to a person. */

import type { Counts, JobKind, JobProgress } from './api.js';

/** The page is in English, whatever the browser speaks. */
const language = 'en';
const dateAndTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const toTheSecond = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
const whole = new Intl.NumberFormat(language);
const ago = new Intl.RelativeTimeFormat(language, { numeric: 'always' });

export const nameOf: Readonly<Record<JobKind, string>> = {
  'data-dump': 'data dump',
  backup: 'private backup',
};

const common: Readonly<Record<string, string>> = {
  snapshot: 'Taking a snapshot of the database',
  finish: 'Finishing the archive',
};
const phases: Readonly<Record<JobKind, Readonly<Record<string, string>>>> = {
  'data-dump': {
    ...common,
    previous: 'Fetching the last dump to compare with',
    database: 'Writing artworks, creators and tags',
    photos: 'Making thumbnails',
    verify: 'Searching the finished archive for anything private',
    upload: 'Uploading',
    check: 'Reading back what was uploaded',
    publish: 'Publishing',
  },
  backup: {
    ...common,
    database: 'Writing the database',
    photos: 'Copying photos',
    verify: 'Reading the archive back and trying to restore it',
  },
};

export function phaseOf(kind: JobKind, progress: JobProgress | null): string {
  return progress === null ? 'Starting' : (phases[kind][progress.phase] ?? 'Working');
}

/** How far a phase is, from 0 to 1; undefined where nobody knows. */
export function shareOf(progress: JobProgress | null): number | undefined {
  const { done, total, bytes, total_bytes } = progress ?? {};
  const share = (part = 0, of: number | null | undefined): number | undefined =>
    of == null || of === 0 ? undefined : Math.min(1, part / of);
  return share(done, total) ?? share(bytes, total_bytes);
}

/** The same in numbers: `12 of 60`, or `1.2 MB of 4 MB`. */
export function amountOf(progress: JobProgress | null): string {
  if (progress === null) return '';
  const { done, total, bytes, total_bytes } = progress;
  if (total !== null && total > 0) return `${count(done)} of ${count(total)}`;
  if (total_bytes !== null && total_bytes > 0) return `${size(bytes)} of ${size(total_bytes)}`;
  return bytes > 0 ? size(bytes) : '';
}

export function count(n: number): string {
  return whole.format(n);
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `63 artworks, 12 creators, 240 tags, 41 photos` */
export function contentOf(counts: Counts): string {
  return [
    counted(counts.total_artworks, 'artwork'),
    counted(counts.total_creators, 'creator'),
    counted(counts.total_tags, 'tag'),
    counted(counts.total_photos, 'photo'),
  ].join(', ');
}

/** Bytes in decimal units: `914 bytes`, `1.2 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte');
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  // From there on it would be written as 1,000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = { maximumSignificantDigits: 3 };
  return `${new Intl.NumberFormat(language, digits).format(value)} ${units[unit] ?? ''}`;
}

export function moment(iso: string): string {
  return dateAndTime.format(new Date(iso));
}

/** The same to the second, which no two dumps share. */
export function instant(iso: string): string {
  return toTheSecond.format(new Date(iso));
}

/** `3 days ago` */
export function age(seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const;
  for (const [unit, length] of units) {
    if (seconds >= length) return ago.format(-Math.floor(seconds / length), unit);
  }
  return 'just now';
}

/** `1:05`, minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** A message as a sentence of its own. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}
