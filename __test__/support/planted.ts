/** Databases in which every private place holds a secret. */

import { randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'jpeg-js';

import { folder } from '../support';
import { createDataDump, type DataDumpOptions, type DataDumpResult } from '../../index.js';
import type { Secret } from './secrets';
import { quoted } from './strange';
import { sqlite } from './tools';

const now = '2026-01-02T03:04:05Z';

/** Columns that a dump publishes, or reads to decide what it publishes; written down here once more on purpose. */
export const known: Readonly<Record<string, readonly string[]>> = {
  artwork: [
    'id',
    'title',
    'description',
    'lat',
    'lon',
    'type_id',
    'tags',
    'photos',
    'artist_names',
    'created_at',
    'updated_at',
    'status',
  ],
  artwork_types: ['id', 'name'],
  artists: [
    'id',
    'name',
    'description',
    'bio',
    'website',
    'aliases',
    'tags',
    'created_at',
    'updated_at',
    'status',
  ],
  creators: ['id', 'name', 'bio', 'created_at'],
  artwork_artists: ['id', 'artwork_id', 'artist_id', 'role', 'created_at'],
  artwork_creators: ['id', 'artwork_id', 'creator_id', 'role', 'created_at'],
  tags: ['id', 'artwork_id', 'logbook_id', 'label', 'value'],
};

/** For SQL. */
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

interface Column {
  readonly table: string;
  readonly column: string;
  readonly needed: number;
  readonly rowid: number;
}

/** A database of a schema, and how to put rows into it. */
export class Archive {
  readonly dir = folder();
  readonly file = join(this.dir, 'archive.sqlite');
  readonly secrets: Secret[] = [];
  /** Of every table that the schema has. */
  readonly columns: readonly Column[];
  readonly #statements: string[] = [];

  constructor(schema: string, more = '') {
    const json = sqlite(
      this.file,
      `.read ${join(__dirname, '..', 'fixtures', `${schema}.sql`)}`,
      ...(more === '' ? [] : [more]),
      '.mode json',
      `SELECT m.name AS "table", c.name AS "column", c."notnull" AS needed,
         c.pk > 0 AND upper(c.type) = 'INTEGER' AS rowid
       FROM sqlite_schema m, pragma_table_xinfo(m.name) c
       WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND c.hidden = 0`,
    );
    this.columns = JSON.parse(json) as Column[];
  }

  has(table: string, column?: string): boolean {
    return this.columns.some(
      (each) => each.table === table && (column === undefined || each.column === column),
    );
  }

  /** A secret of that shape, or a word that nothing else holds. */
  secret(place: string, value = `zq${randomBytes(9).toString('hex')}`): string {
    this.secrets.push({ place, value });
    return value;
  }

  /** Adds a row; columns that the table does not have are left out, the others hold a secret each. */
  add(table: string, values: Readonly<Record<string, string | number | null>>): void {
    const columns = this.columns.filter((each) => each.table === table);
    if (columns.length === 0) return;
    const cells = columns.map(({ column, needed, rowid }) => {
      const value = values[column];
      if (typeof value === 'number') return String(value);
      if (typeof value === 'string') return text(value);
      if (value === null || rowid === 1) return 'NULL';
      if (!known[table]?.includes(column)) return text(this.secret(`${table}.${column}`));
      if (column.endsWith('_at')) return text('2025-01-02 03:04:05');
      return needed === 1 ? "''" : 'NULL';
    });
    const names = columns.map(({ column }) => quoted(column)).join(', ');
    this.#statements.push(`INSERT INTO ${quoted(table)} (${names}) VALUES (${cells.join(', ')});`);
  }

  write(): void {
    const script = join(this.dir, 'rows.sql');
    writeFileSync(
      script,
      `PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;\n${this.#statements.join('\n')}`,
    );
    sqlite(this.file, `.read ${script}`);
    this.#statements.length = 0;
  }

  work(
    id: string,
    status: string,
    more: Readonly<Record<string, string | number | null>> = {},
  ): void {
    this.add('artwork', {
      id,
      title: `Work ${id}`,
      description: 'By the river.',
      lat: 49.28,
      lon: -123.12,
      tags: '{}',
      photos: null,
      created_at: '2025-01-02 03:04:05',
      updated_at: '2025-01-02 03:04:05',
      status,
      ...more,
    });
  }

  dump(options: Partial<DataDumpOptions> = {}): Promise<DataDumpResult> {
    return createDataDump({
      database: { file: this.file },
      outputDir: join(this.dir, 'out'),
      now,
      overwrite: true,
      ...options,
    });
  }
}

/** Fills every private table with rows whose every column is a secret, and gives identifiers of every class. */
export function plant(
  archive: Archive,
): Record<'uuid' | 'clerk' | 'email' | 'wide' | 'ipv4' | 'ipv6' | 'token', string> {
  const values = {
    uuid: archive.secret('users.uuid', randomUUID()),
    clerk: archive.secret('lists.owner_user_id', `user_2${randomBytes(13).toString('hex')}`),
    email: archive.secret(
      'users.email',
      `Ann.Lee${randomBytes(3).toString('hex')}@mail.example.org`,
    ),
    // Of letters beyond ASCII.
    wide: archive.secret('visitors.other_email', `иван${randomBytes(2).toString('hex')}@пример.рф`),
    ipv4: archive.secret(
      'consent.ip_address',
      `203.0.113.${String(50 + (randomBytes(1).readUInt8() % 200))}`,
    ),
    ipv6: archive.secret(
      'audit_log.ip_address',
      `2001:db8:${randomBytes(2).toString('hex')}::17:5`,
    ),
    token: archive.secret('auth_sessions.token_hash', randomBytes(32).toString('hex')),
  };
  const shaped: Readonly<Record<string, string>> = {
    uuid: values.uuid,
    user_uuid: values.uuid,
    user_token: values.uuid,
    user_id: values.uuid,
    owner_user_id: values.clerk,
    clerk_user_id: values.clerk,
    email: values.email,
    ip_address: values.ipv4,
    token_hash: values.token,
    token: values.token,
    metadata: JSON.stringify({ deep: [{ user_token: values.uuid, ip: values.ipv6 }] }),
  };
  const tables = new Set(archive.columns.map(({ table }) => table));
  for (const table of tables) {
    if (known[table] !== undefined) continue;
    archive.add(table, {});
    const columns = archive.columns.filter((each) => each.table === table);
    archive.add(
      table,
      Object.fromEntries(
        columns.flatMap(({ column }) => {
          const value = shaped[column];
          return value === undefined ? [] : [[column, value]];
        }),
      ),
    );
  }
  // Whatever a schema has no column for stands in one that no schema knows.
  archive.write();
  sqlite(
    archive.file,
    'CREATE TABLE visitors (user_uuid, clerk_user_id, email, other_email, ip_address, ipv6, session_token)',
    `INSERT INTO visitors VALUES (${[values.uuid, values.clerk, values.email, values.wide, values.ipv4, values.ipv6, values.token].map(text).join(', ')})`,
  );
  return values;
}

/** A photo with a secret in every place that a camera, an editor or a cheat would use. */
export function photo(archive: Archive, place: string): Buffer {
  const pixels = Buffer.alloc(40 * 30 * 4, 0x80);
  const { data } = encode({ data: pixels, width: 40, height: 30 }, 90);
  const secret = (what: string): string => archive.secret(`${what} of ${place}`);
  const segment = (marker: number, content: string): Buffer => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(content.length + 2, 2);
    return Buffer.concat([head, Buffer.from(content, 'latin1')]);
  };
  return Buffer.concat([
    data.subarray(0, 2),
    segment(
      0xe1,
      `Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x3b\0\x02\0\0\0\x14\0\0\0\x1a\0\0\0\0${secret('EXIF artist')}\0GPS ${secret('EXIF GPS')}`,
    ),
    segment(0xe1, `http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${secret('XMP')}</x:xmpmeta>`),
    segment(0xed, `Photoshop 3.0\0${secret('IPTC')}`),
    segment(0xe2, `MPF\0${secret('preview')}`),
    segment(0xfe, secret('comment')),
    data.subarray(2),
    Buffer.from(secret('tail')),
  ]);
}
