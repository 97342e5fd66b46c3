/** Databases of both generations in which people have every standing that there is. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../support';
import { sqlite } from '../tools';

const uuid = (n: number): string => `c0ffee00-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Each id is a credential: none may ever be seen in an answer, a log or a file of the service. */
export const people = {
  user: uuid(1),
  moderator: uuid(2),
  inactive: uuid(3),
  revoked: uuid(4),
  banned: uuid(5),
  suspended: uuid(6),
  expired: uuid(7),
  unreadableExpiry: uuid(8),
  scoped: uuid(9),
  unreadableBan: uuid(10),
  roleAdmin: uuid(20),
  permissionAdmin: uuid(21),
  uuidAdmin: uuid(22),
  clerkAdmin: uuid(23),
  olderAdmin: uuid(24),
  olderRevoked: uuid(25),
  stranger: uuid(99),
} as const;

export const clerkIds = {
  admin: 'user_2clerkadmin',
  user: 'user_2clerkuser',
  banned: 'user_2clerkbanned',
} as const;

export function newestGeneration(folder: string): string {
  const path = join(folder, 'newest.sqlite');
  const user = (id: string, status: string | null, clerk: string | null): string =>
    `('${id}', '${id}@example.org', ${status === null ? 'NULL' : `'${status}'`}, ${clerk === null ? 'NULL' : `'${clerk}'`})`;
  const role = (id: string, name: string, active = 1, revoked = 'NULL'): string =>
    `('${id}-${name}', '${id}', '${name}', 'system', ${active}, ${revoked})`;
  const permission = (id: string, expires: string, scope = 'NULL', owner = 'NULL'): string =>
    `('${id}', 'admin', ${scope}, 'system', ${expires}, ${owner})`;
  sqlite(
    path,
    schema('newest-generation'),
    `INSERT INTO users (uuid, email, status, clerk_user_id) VALUES
       ${[
         user(people.user, 'active', clerkIds.user),
         user(people.suspended, 'suspended', null),
         user(people.banned, 'active', clerkIds.banned),
         user(people.clerkAdmin, null, clerkIds.admin),
       ].join(', ')};
     INSERT INTO user_roles (id, user_token, role, granted_by, is_active, revoked_at) VALUES
       ${[
         role(people.moderator, 'moderator'),
         role(people.inactive, 'admin', 0),
         role(people.revoked, 'admin', 1, "'2026-01-01 00:00:00'"),
         role(people.banned, 'admin'),
         role(people.banned, 'banned'),
         role(people.suspended, 'admin'),
         role(people.roleAdmin, 'admin'),
         role(people.clerkAdmin, 'admin'),
       ].join(', ')};
     INSERT INTO user_permissions
       (user_token, permission, resource_type, granted_by, expires_at, user_uuid) VALUES
       ${[
         permission(people.expired, "'2026-01-01 00:00:00'"),
         permission(people.unreadableExpiry, "'soon'"),
         permission(people.scoped, 'NULL', "'artwork'"),
         permission(people.permissionAdmin, "'2999-01-01T00:00:00Z'"),
         permission('some-other-token', 'NULL', 'NULL', `'${people.uuidAdmin}'`),
       ].join(', ')};
     ALTER TABLE user_roles ADD COLUMN expires_at TEXT;
     INSERT INTO user_roles (id, user_token, role, granted_by, expires_at) VALUES
       ('u1', '${people.unreadableBan}', 'admin', 'system', NULL),
       ('u2', '${people.unreadableBan}', 'banned', 'system', 'soon');`,
  );
  return path;
}

export function firstGeneration(folder: string): string {
  const path = join(folder, 'first.sqlite');
  sqlite(
    path,
    schema('first-generation'),
    `INSERT INTO user_permissions (id, user_uuid, permission, granted_by, revoked_at) VALUES
       ('p1', '${people.olderAdmin}', 'admin', 'system', NULL),
       ('p2', '${people.olderRevoked}', 'admin', 'system', '2026-01-01 00:00:00'),
       ('p3', '${people.moderator}', 'moderator', 'system', NULL);`,
  );
  return path;
}

function schema(name: string): string {
  // An argument that begins with a comment would be taken for a flag.
  return `\n${readFileSync(join(root, '__test__', 'fixtures', `${name}.sql`), 'utf8')}`;
}
