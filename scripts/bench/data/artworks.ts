/** The artworks, each with its artists, a place on a list, and what people sent in about it. */

import { sqlTime } from '../../demo/rows.js';
import { makePeople, type People } from './people.js';
import type { Photo } from './photos.js';
import { pickFrom, type Rows } from './rows.js';
import { makeSubmission } from './submissions.js';

interface City {
  readonly city: string;
  readonly lat: number;
  readonly lon: number;
}

const cities: readonly [City, ...City[]] = [
  { city: 'Vancouver', lat: 49.26, lon: -123.11 },
  { city: 'Burnaby', lat: 49.25, lon: -122.97 },
  { city: 'Montréal', lat: 45.52, lon: -73.6 },
  { city: 'Lisboa', lat: 38.73, lon: -9.14 },
  { city: 'Ōsaka', lat: 34.69, lon: 135.5 },
];
const kinds = ['mural', 'sculpture', 'mosaic', 'monument', 'installation'] as const;
const materials = ['bronze', 'steel', 'concrete', 'acrylic on brick', 'cedar', 'glass'] as const;
const conditions = ['good', 'fair', 'poor', 'unknown'] as const;

/** Every row of a platform with so many artworks; the photos are spread evenly over them. */
export function makePlatform(
  rows: Rows,
  artworks: number,
  photos: readonly Photo[],
  onProgress: (artworks: number) => void,
): void {
  const people = makePeople(rows, artworks);
  const step = artworks / photos.length;
  const photographed = new Map(photos.map((photo, n) => [Math.floor(n * step), photo]));
  for (let n = 0; n < artworks; n += 1) {
    makeArtwork(rows, n, people, photographed.get(n));
    onProgress(n + 1);
  }
  rows.insert('d1_migrations', { name: '0001_platform.sql', applied_at: sqlTime(rows.time(0)) });
}

function makeArtwork(rows: Rows, n: number, people: People, photo: Photo | undefined): void {
  const { random, words } = rows;
  const artwork = rows.uuid();
  const title = words.title();
  const { city, lat, lon } = random.pick(cities);
  const position = {
    lat: lat + (random.next() - 0.5) / 5,
    lon: lon + (random.next() - 0.5) / 5,
  };
  const status = statusOf(n, photo);
  rows.insert('artwork', {
    id: artwork,
    title,
    description: n % 9 === 0 ? null : words.prose(rows.about(420)),
    ...position,
    tags: tags(rows, n, city),
    photos: rows.reference(photo, n),
    status,
    ...rows.stamps(n),
    created_by: n % 4 === 0 ? pickFrom(people.users, n) : words.name(),
  });
  credit(rows, n, artwork, pickFrom(people.artists, n), 'primary');
  if (n % 10 === 0) credit(rows, n, artwork, pickFrom(people.artists, n + 1), 'collaborator');
  if (n % 5 === 0) list(rows, n, artwork, people);

  const proposal = JSON.stringify({ title, description: words.prose(200), status });
  const type = 'new_artwork';
  makeSubmission(rows, n, people.users, { type, status, artwork, position, photo, proposal });
  if (n % 4 === 0) {
    const status = n % 40 === 0 ? 'pending' : 'approved';
    makeSubmission(rows, n + 1, people.users, { type: 'logbook_entry', status, artwork });
  }
  if (n % 60 === 0) comment(rows, n, artwork, pickFrom(people.users, n));
}

/** Every photo belongs to an approved artwork: all competitors have the same files to copy. */
function statusOf(n: number, photo: Photo | undefined): string {
  if (photo !== undefined || n % 25 !== 3) return 'approved';
  return n % 100 === 3 ? 'rejected' : 'pending';
}

function credit(rows: Rows, n: number, artwork: string, artist: string, role: string): void {
  rows.insert('artwork_artists', {
    artwork_id: artwork,
    artist_id: artist,
    role,
    created_at: sqlTime(rows.time(n)),
  });
}

function list(rows: Rows, n: number, artwork: string, { lists, users }: People): void {
  rows.insert('list_items', {
    id: rows.uuid(),
    list_id: pickFrom(lists, n),
    artwork_id: artwork,
    added_by_user_id: pickFrom(users, n),
    created_at: sqlTime(rows.time(n)),
  });
}

function comment(rows: Rows, n: number, artwork: string, user: string): void {
  rows.insert('feedback', {
    id: rows.uuid(),
    subject_type: 'artwork',
    subject_id: artwork,
    user_token: user,
    issue_type: 'incorrect_info',
    note: rows.words.prose(rows.about(160)),
    created_at: sqlTime(rows.time(n)),
    ip_address: rows.words.address(),
    user_agent: rows.words.agent(),
  });
}

function tags(rows: Rows, n: number, city: string): string {
  const { random, words } = rows;
  const tags = {
    artwork_type: random.pick(kinds),
    material: random.pick(materials),
    condition: random.pick(conditions),
    start_date: String(1_900 + random.below(126)),
    city,
    'addr:full': words.street(),
    keywords: [words.word(), words.word(), words.word()].join(', '),
    website: `https://example.org/public-art/${10_000 + n}`,
    source: 'city-open-data',
    source_id: String(10_000 + n),
  };
  const lastModified = new Date(rows.time(n)).toISOString();
  return JSON.stringify({ tags, version: '1.0.0', lastModified });
}
