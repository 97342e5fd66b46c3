/** The users, artists and lists that artworks refer to. */

import { sqlTime } from '../../demo/rows.js';
import { minute, pickFrom, type Rows } from './rows.js';

export interface People {
  readonly users: readonly string[];
  readonly artists: readonly string[];
  readonly lists: readonly string[];
}

/** One user to twenty artworks, one artist to five, one list to fifty. */
export function makePeople(rows: Rows, artworks: number): People {
  const users = times(artworks / 20, (n) => makeUser(rows, n));
  const artists = times(artworks / 5, (n) => makeArtist(rows, n));
  const lists = times(artworks / 50, (n) => makeList(rows, n, pickFrom(users, n * 7)));
  return { users, artists, lists };
}

function makeUser(rows: Rows, n: number): string {
  const uuid = rows.uuid();
  const at = rows.time(n * 20);
  rows.insert('users', {
    uuid,
    email: `person${n}.${rows.random.hex(6)}@example.org`,
    created_at: sqlTime(at),
    last_login: sqlTime(at + 900 * minute),
    email_verified_at: sqlTime(at + 3 * minute),
    status: 'active',
    profile_name: `Person${n}`,
    clerk_user_id: n % 3 === 0 ? `user_${rows.random.hex(27)}` : null,
  });
  rows.insert('auth_sessions', {
    id: rows.uuid(),
    user_uuid: uuid,
    token_hash: rows.random.hex(64),
    created_at: sqlTime(at),
    last_accessed_at: sqlTime(at + 900 * minute),
    expires_at: sqlTime(at + 130_000 * minute),
    ip_address: rows.words.address(),
    user_agent: rows.words.agent(),
    device_info: JSON.stringify({ platform: 'web', language: 'en-CA', width: 1_440 }),
  });
  rows.insert('user_roles', {
    id: rows.uuid(),
    user_token: uuid,
    role: n === 0 ? 'admin' : 'user',
    granted_by: 'system',
    granted_at: sqlTime(at),
  });
  rows.insert('user_permissions', {
    user_token: uuid,
    permission: 'submit',
    granted_by: 'system',
    granted_at: sqlTime(at),
    user_uuid: uuid,
  });
  return uuid;
}

function makeArtist(rows: Rows, n: number): string {
  const id = rows.uuid();
  rows.insert('artists', {
    id,
    name: rows.words.name(),
    tags: JSON.stringify({ source: 'city-open-data', source_id: String(10_000 + n) }),
    photos: null,
    status: n % 50 === 49 ? 'pending' : 'approved',
    ...rows.stamps(n * 5),
    aliases: n % 4 === 0 ? JSON.stringify([rows.words.surname()]) : null,
    description: n % 3 === 0 ? null : rows.words.prose(rows.about(240)),
  });
  return id;
}

function makeList(rows: Rows, n: number, owner: string): string {
  const id = rows.uuid();
  rows.insert('lists', {
    id,
    owner_user_id: owner,
    name: rows.words.title(),
    visibility: n % 2 === 0 ? 'unlisted' : 'private',
    ...rows.stamps(n * 50),
  });
  return id;
}

function times<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
