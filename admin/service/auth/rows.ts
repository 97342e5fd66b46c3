/** The platform's own rows: who is an admin in user_roles and user_permissions, in both generations of its schema. */

import { createHash } from 'node:crypto';

import { DatabaseSync } from '@photostructure/sqlite';
import * as v from 'valibot';

import { Problem } from '../envelope.js';
import type { RowsAuth } from '../options.js';

type Row = Readonly<Record<string, unknown>>;
type Query = (sql: string, parameters?: readonly string[]) => Promise<readonly Row[]>;

export type Standing = 'admin' | 'banned' | 'other';

/** A token that somebody sent, or the subject of one that Clerk has signed: Clerk's id of a person. */
export type IdKind = 'token' | 'subject';

/** How long nobody is looked up again at Cloudflare who was no admin: each look-up counts against the account. */
const refusedMs = 60_000;
/** Of so many it is known who is no admin. */
const crowd = 10_000;
/** How long a table at Cloudflare is taken to have the columns that it had. Its rows are read anew each time. */
const schemaMs = 60_000;

export class PlatformRows {
  /** Whether a token may be looked up that nobody has signed: at Cloudflare, guesses would use up the account. */
  readonly takesTokens: boolean;
  readonly #query: Query;
  /** Until when it counts that somebody was no admin, by the digest of the id and by a clock that nobody sets. */
  readonly #refused = new Map<string, number>();
  /** Columns of tables, and until when they count by that clock. */
  readonly #columns = new Map<string, { names: readonly unknown[]; until: number }>();

  constructor(options: RowsAuth) {
    this.takesTokens = 'file' in options;
    this.#query = 'file' in options ? inFile(options.file) : inD1(options.d1);
  }

  async isAdmin(id: string, kind: IdKind): Promise<boolean> {
    const digest = createHash('sha256').update(id).digest('hex');
    if ((this.#refused.get(digest) ?? 0) > performance.now()) return false;
    const isAdmin = (await this.standingOf(id, kind)) === 'admin';
    if (!isAdmin && !this.takesTokens) this.#refuse(digest);
    return isAdmin;
  }

  /** What the rows say about somebody. Read anew each time: a revocation counts at once. */
  async standingOf(id: string, kind: IdKind): Promise<Standing> {
    try {
      return await this.#look(id, kind);
    } catch (error) {
      throw new Problem(503, 'AUTH_UNAVAILABLE', "The platform's database cannot be read", {
        cause: error,
      });
    }
  }

  #refuse(digest: string): void {
    if (this.#refused.size >= crowd) this.#refused.clear();
    this.#refused.set(digest, performance.now() + refusedMs);
  }

  async #look(id: string, kind: IdKind): Promise<Standing> {
    const users = await this.#rowsOf('users', ['uuid', 'clerk_user_id'], [id]);
    // Clerk's id of a person is no secret: it counts only where Clerk has signed it.
    if (kind === 'token' && users.some(({ clerk_user_id }) => clerk_user_id === id)) return 'other';
    if (users.some(({ status }) => status === 'suspended')) return 'banned';
    const uuids = users.map(({ uuid }) => uuid).filter((uuid) => typeof uuid === 'string');
    const ids = [...new Set([id, ...uuids])];

    const roles = (await this.#rowsOf('user_roles', ['user_token'], ids)).filter(isInForce);
    if (roles.some(({ role }) => role === 'banned')) return 'banned';
    if (roles.some(({ role }) => role === 'admin')) return 'admin';

    const permissions = await this.#rowsOf('user_permissions', ['user_token', 'user_uuid'], ids);
    const everywhere = permissions.filter(isInForce).filter(isUnscoped);
    return everywhere.some(({ permission }) => permission === 'admin') ? 'admin' : 'other';
  }

  /** Rows that have one of the ids in one of the columns, as far as this generation has table and columns. */
  async #rowsOf(
    table: string,
    wanted: readonly string[],
    ids: readonly string[],
  ): Promise<readonly Row[]> {
    const there = await this.#columnsOf(table);
    const columns = wanted.filter((column) => there.includes(column));
    if (columns.length === 0) return [];
    const places = ids.map(() => '?').join(', ');
    const where = columns.map((column) => `"${column}" IN (${places})`).join(' OR ');
    return this.#query(
      `SELECT * FROM "${table}" WHERE ${where}`,
      columns.flatMap(() => ids),
    );
  }

  async #columnsOf(table: string): Promise<readonly unknown[]> {
    const known = this.#columns.get(table);
    if (known !== undefined && known.until > performance.now()) return known.names;
    const names = (await this.#query(`PRAGMA table_info("${table}")`)).map(({ name }) => name);
    if (!this.takesTokens) this.#columns.set(table, { names, until: performance.now() + schemaMs });
    return names;
  }
}

function isInForce(row: Row): boolean {
  const { role, is_active, revoked_at, expires_at } = row;
  if (Number(is_active) !== 1 || !isBlank(revoked_at)) return false;
  if (isBlank(expires_at)) return true;
  const ends = timeOf(String(expires_at));
  // Where nobody can tell when it ends, a grant is over and a ban is not.
  return Number.isNaN(ends) ? role === 'banned' : ends > Date.now();
}

/** A permission for one resource makes nobody an admin of the whole. */
function isUnscoped({ resource_type, resource_id }: Row): boolean {
  return isBlank(resource_type) && isBlank(resource_id);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** SQLite's `YYYY-MM-DD HH:MM:SS` is UTC. NaN for what cannot be read. */
function timeOf(text: string): number {
  return Date.parse(/[zZ]$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
}

function inFile(path: string): Query {
  return (sql, parameters = []) => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const rows = database.prepare(sql).all(...parameters) as Row[];
      return Promise.resolve(rows);
    } finally {
      database.close();
    }
  };
}

const rowsOfD1 = v.object({
  success: v.literal(true),
  result: v.tuple([
    v.object({ success: v.literal(true), results: v.array(v.record(v.string(), v.unknown())) }),
  ]),
});

function inD1(d1: Extract<RowsAuth, { d1: unknown }>['d1']): Query {
  const base = d1.apiUrl ?? 'https://api.cloudflare.com/client/v4';
  const url = `${base}/accounts/${d1.accountId}/d1/database/${d1.databaseId}/query`;
  return async (sql, params = []) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${d1.apiToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql, params }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`D1 answered ${answer.status}`);
    // One that failed looks like one without rows, in which nobody is banned.
    return v.parse(rowsOfD1, await answer.json()).result[0].results;
  };
}
