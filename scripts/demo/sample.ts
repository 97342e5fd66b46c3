/**
 * An invented archive of public art: works in every status, people who must stay private, and photos referenced in
 * every way the platform has had. Names, addresses and positions are made up.
 */

import { type Position, Scene, withPosition } from './pictures.js';
import { Random } from './random.js';
import { type Row, sqlTime } from './rows.js';

export interface StoredPhoto {
  readonly key: string;
  readonly bytes: Buffer;
  readonly modified: Date;
}

export interface Sample {
  readonly rows: readonly (readonly [table: string, row: Row])[];
  readonly photos: readonly StoredPhoto[];
}

interface Person {
  readonly uuid: string;
  readonly name: string;
}

const kinds = ['mural', 'sculpture', 'mosaic', 'monument', 'installation'] as const;
const places = ['Harbour', 'Mill', 'Station', 'Old Market', 'Lighthouse', 'Orchard'] as const;
const subjects = [
  'Heron',
  'Tides',
  'Weavers',
  'Two Rivers',
  'Sleeping Bear',
  "Fishers' Song",
] as const;
const firstNames = ['Ada', 'Bruno', 'Chiyo', 'Dilan', 'Émilie', 'Farid'] as const;
const lastNames = ['Alder', "O'Brien", 'Núñez', 'Fir', 'Okafor', 'Lindqvist'] as const;

/** Times of the sample: one day per work from here on. */
const start = Date.UTC(2025, 7, 1, 14, 30, 22);
const day = 86_400_000;
/** What the schema would take from the clock is given, so that every run makes the same file. */
const made = { created_at: sqlTime(start) };
const changed = { ...made, updated_at: sqlTime(start) };
const granted = { granted_by: 'system', granted_at: sqlTime(start) };

export function makeSample(): Sample {
  return new Maker().make();
}

class Maker {
  readonly #random = new Random(20_260_102);
  readonly #rows: [string, Row][] = [];
  readonly #photos: StoredPhoto[] = [];

  make(): Sample {
    const people = firstNames.map((name, n) => this.#person(name, n));
    const artists = lastNames.map((name, n) => this.#artist(name, n));
    for (let n = 0; n < 40; n += 1) this.#work(n, people, artists);
    this.#platformRows(people);
    return { rows: this.#rows, photos: this.#photos };
  }

  #person(name: string, n: number): Person {
    const uuid = this.#random.uuid();
    const profile = name.normalize('NFD').replace(/[^A-Za-z]/g, '');
    this.#add('users', {
      uuid,
      email: `${profile.toLowerCase()}@example.org`,
      created_at: sqlTime(start + n * day),
      status: 'active',
      profile_name: profile,
      clerk_user_id: n === 0 ? `user_${this.#random.hex(24)}` : null,
    });
    this.#add('auth_sessions', {
      ...made,
      id: this.#random.uuid(),
      user_uuid: uuid,
      token_hash: this.#random.hex(64),
      last_accessed_at: sqlTime(start + n * day),
      ip_address: `203.0.113.${n + 1}`,
      user_agent: 'Demo browser',
    });
    this.#add('user_roles', {
      id: this.#random.uuid(),
      user_token: uuid,
      role: n === 0 ? 'admin' : 'user',
      ...granted,
    });
    return { uuid, name };
  }

  #artist(lastName: string, n: number): string {
    const id = this.#random.uuid();
    this.#add('artists', {
      ...changed,
      id,
      name: `${this.#random.pick(firstNames)} ${lastName}`,
      description: `Works in **public places**.\nBorn in the ${this.#random.pick(places)} district.`,
      aliases: n % 2 === 0 ? JSON.stringify([lastName]) : null,
      status: n === 5 ? 'pending' : 'approved',
    });
    return id;
  }

  #work(n: number, people: readonly Person[], artists: readonly string[]): void {
    const random = this.#random;
    const artwork = random.uuid();
    const status = n % 5 === 3 ? 'pending' : n % 10 === 9 ? 'rejected' : 'approved';
    const position = { lat: 48.4 + random.next() / 10, lon: -123.3 - random.next() / 10 };
    const person = people[n % people.length] ?? { uuid: 'system', name: 'system' };
    const photos = n % 4 === 2 ? [] : this.#photographs(n, status, position);
    this.#add('artwork', {
      id: artwork,
      title: `${random.pick(subjects)} at the ${random.pick(places)}`,
      description:
        n % 6 === 0 ? null : `A ${random.pick(kinds)} that is "best seen" at dusk. 🎨\nStep free.`,
      ...position,
      tags: JSON.stringify({
        artwork_type: random.pick(kinds),
        material: 'bronze',
        start_date: 1950 + n,
      }),
      photos: photos.length === 0 ? null : JSON.stringify(photos),
      status,
      created_at: n % 7 === 0 ? `${start + n * day}.0` : sqlTime(start + n * day),
      updated_at: new Date(start + n * day).toISOString(),
      created_by: n % 3 === 0 ? person.uuid : null,
    });
    const artist = artists[n % artists.length];
    if (artist !== undefined) {
      this.#add('artwork_artists', {
        ...made,
        artwork_id: artwork,
        artist_id: artist,
        role: 'primary',
      });
    }
    this.#submission(n, artwork, status, position, person);
  }

  #submission(
    n: number,
    artwork: string,
    status: string,
    position: Position,
    person: Person,
  ): void {
    const id = this.#random.uuid();
    this.#add('submissions', {
      ...changed,
      id,
      submission_type: n % 3 === 0 ? 'new_artwork' : 'logbook_entry',
      user_token: person.uuid,
      email: n % 4 === 0 ? `${person.uuid.slice(0, 8)}@example.org` : null,
      submitter_name: person.name,
      artwork_id: artwork,
      ...position,
      notes: `Seen on day ${n}; it's in good condition.`,
      status,
    });
    this.#add('audit_log', {
      ...made,
      id: this.#random.uuid(),
      action_type: `submission_${status}`,
      entity_type: 'submission',
      entity_id: id,
      user_token: person.uuid,
      action_data: JSON.stringify({ old_data: null, new_data: { status } }),
      ip_address: `203.0.113.${(n % 200) + 1}`,
    });
    this.#add('consent', {
      id: this.#random.uuid(),
      created_at: new Date(start + n * day).toISOString(),
      user_id: person.uuid,
      consent_version: '2025-08-01',
      content_type: 'artwork',
      content_id: artwork,
      ip_address: `203.0.113.${(n % 200) + 1}`,
      consent_text_hash: this.#random.hex(64),
    });
  }

  /** Stores what the platform would store, and returns what the row would say. */
  #photographs(n: number, status: string, position: Position): unknown[] {
    if (n === 0) return ['https://opendata.example.net/photos/fountain.jpg'];
    if (n === 1) return ['originals/2024/01/01/20240101-000000-00000000-lost.jpg'];
    const modified = new Date(start + n * day);
    const iso = modified.toISOString();
    const folder = iso.slice(0, 10).replaceAll('-', '/');
    const stamp = iso.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
    const name = `${stamp}-${this.#random.hex(8)}-photo`;
    const scene = new Scene(this.#random);
    const original = `originals/${folder}/${name}.jpg`;
    this.#store(original, withPosition(scene.jpeg(800, 85), position), modified);
    // Variants are made on upload, so a pending work has them too; a rejected one's are cleaned away.
    if (status !== 'rejected') {
      this.#store(`artworks/${folder}/${name}__400x400.jpg`, scene.jpeg(400, 80), modified);
      this.#store(`artworks/${folder}/${name}__1024x1024.jpg`, scene.jpeg(800, 75), modified);
    }
    if (n % 3 === 1) return [`https://photos.publicartregistry.com/${original}`];
    if (n % 3 === 2) return [{ url: original, caption: 'From the street', credit: 'Demo' }];
    return [original];
  }

  #platformRows(people: readonly Person[]): void {
    const random = this.#random;
    const list = random.uuid();
    const badge = random.uuid();
    const [first] = people;
    if (first === undefined) return;
    this.#add('lists', {
      ...changed,
      id: list,
      owner_user_id: first.uuid,
      name: 'Seen this summer',
    });
    for (const [, work] of this.#rows.filter(([table]) => table === 'artwork').slice(0, 5)) {
      const artwork = work['id'] ?? null;
      this.#add('list_items', {
        ...made,
        id: random.uuid(),
        list_id: list,
        artwork_id: artwork,
      });
    }
    this.#add('badges', {
      ...changed,
      id: badge,
      badge_key: 'first_photo',
      title: 'First photo',
      description: 'Added a photo for the first time',
      icon_emoji: '📷',
      category: 'activity',
      threshold_type: 'photo_count',
      threshold_value: 1,
    });
    for (const { uuid, name } of people) {
      this.#add('user_badges', {
        id: random.uuid(),
        user_uuid: uuid,
        badge_id: badge,
        awarded_at: sqlTime(start),
        award_reason: 'photo_count',
      });
      this.#add('notifications', {
        ...made,
        id: random.uuid(),
        user_token: uuid,
        type: 'badge',
        title: `Well done, ${name}`,
      });
      this.#add('user_permissions', { user_token: uuid, permission: 'submit', ...granted });
    }
    this.#add('feedback', {
      id: random.uuid(),
      subject_type: 'artwork',
      subject_id: list,
      issue_type: 'comment',
      note: 'The plaque says 1962; please check.',
      created_at: sqlTime(start),
      ip_address: '203.0.113.77',
    });
    this.#add('rate_limiting', {
      identifier: '203.0.113.77',
      identifier_type: 'ip',
      request_count: 3,
      window_start: sqlTime(start),
      last_request_at: sqlTime(start),
    });
    this.#add('d1_migrations', { name: '0001_demo.sql', applied_at: sqlTime(start) });
    this.#add('_cf_METADATA', { key: 1, value: 'D1 keeps this for itself' });
  }

  #add(table: string, row: Row): void {
    this.#rows.push([table, row]);
  }

  #store(key: string, bytes: Buffer, modified: Date): void {
    this.#photos.push({ key, bytes, modified });
  }
}
