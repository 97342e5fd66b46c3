/** The service's configuration out of the environment and `.env`; the README has the table. */

import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';

import { readDotenv, firstSet } from './dotenv.js';
import { ConfigurationError } from './options.js';
import type {
  AdminOptions,
  AuthOptions,
  DatabaseSource,
  DumpStore,
  PhotoSource,
  RemoteDatabase,
  RowsAuth,
} from './options.js';

type Look = (name: string) => string | undefined;

/** Where the service listens, beside what it does. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly admin: AdminOptions;
}

export function readEnvironment(
  environment: NodeJS.ProcessEnv,
  dotenvPath = '.env',
): ServerOptions {
  const look = lookIn(environment, dotenvPath);
  const port = portOf(look, 0);
  // Where any free port is nobody knows before it listens.
  if (port === 0) ['ADMIN_ORIGINS', 'DUMPS_PUBLIC_URL'].forEach(needed(look, 'ADMIN_PORT=0'));
  const own = originOf('localhost', port);
  const photos = photosOf(look);
  const host = look('ADMIN_HOST') ?? '127.0.0.1';
  return {
    host,
    port,
    admin: {
      database: databaseOf(look),
      ...(photos === undefined ? {} : { photos }),
      auth: authOf(look),
      dumps: dumpsOf(look, own),
      backupDir: look('BACKUP_OUTPUT_DIR') ?? './backups/',
      stateDir: look('ADMIN_STATE_DIR') ?? './admin-state/',
      origins: listOf(look, 'ADMIN_ORIGINS') ?? originsAt(host, port),
      source: given({
        name: look('DUMP_SOURCE_NAME'),
        url: look('DUMP_SOURCE_URL'),
        contact: look('DUMP_SOURCE_CONTACT'),
      }),
      keep: numberOf(look, 'DUMPS_KEEP', 1, 10_000),
    },
  };
}

/** The port of a service that has to know it before it listens. */
export function readPort(environment: NodeJS.ProcessEnv, dotenvPath = '.env'): number {
  return portOf(lookIn(environment, dotenvPath), 1);
}

function lookIn(environment: NodeJS.ProcessEnv, dotenvPath: string): Look {
  const layers = [environment, readDotenv(dotenvPath, ConfigurationError)];
  return (name) => firstSet(layers, name);
}

/** The page is opened by any of these names. */
function originsAt(host: string, port: number): readonly string[] {
  return [...new Set(['localhost', '127.0.0.1', host])].map((name) => originOf(name, port));
}

/** Of a name, or of an address of either kind. */
export function originOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function portOf(look: Look, least: number): number {
  return numberOf(look, 'ADMIN_PORT', least, 65_535) ?? 8788;
}

function databaseOf(look: Look): DatabaseSource {
  const file = look('SOURCE_DATABASE_FILE');
  const sql = look('SOURCE_DATABASE_SQL');
  const stateDir = look('SOURCE_WRANGLER_STATE');
  if (file !== undefined) return { file };
  if (sql !== undefined) return { sql };
  if (stateDir !== undefined) return { wrangler: { databaseId: localId(look), stateDir } };
  const d1 = remoteDatabase(look);
  if (d1 !== undefined) return { d1 };
  throw new ConfigurationError(
    'no database was named: set SOURCE_DATABASE_FILE, SOURCE_DATABASE_SQL, SOURCE_WRANGLER_STATE with D1_DATABASE_ID, ' +
      `or ${remoteNames} for D1 at Cloudflare`,
  );
}

function photosOf(look: Look): PhotoSource | undefined {
  const directory = look('SOURCE_PHOTOS_DIR');
  const publicUrl = look('SOURCE_PHOTOS_URL');
  const endpoint = look('SOURCE_S3_ENDPOINT');
  const stateDir = look('SOURCE_WRANGLER_STATE');
  const bucket = look('R2_BUCKET_NAME');
  if (directory !== undefined) return { directory };
  if (publicUrl !== undefined) return { publicUrl };
  if (endpoint !== undefined) {
    const need = needed(look, 'SOURCE_S3_ENDPOINT');
    return {
      s3: {
        endpoint,
        bucket: need('R2_BUCKET_NAME'),
        accessKeyId: need('R2_ACCESS_KEY_ID'),
        secretAccessKey: need('R2_SECRET_ACCESS_KEY'),
        ...given({ region: look('SOURCE_S3_REGION') }),
      },
    };
  }
  if (stateDir !== undefined && bucket !== undefined) return { wrangler: { bucket, stateDir } };
  return r2Photos(look);
}

/** R2 at Cloudflare: as in the commands by S3 where there is a key, else by the token. Part of it is a mistake. */
function r2Photos(look: Look): PhotoSource | undefined {
  const bucket = look('R2_BUCKET_NAME');
  const accountId = look('CLOUDFLARE_ACCOUNT_ID');
  const accessKeyId = look('R2_ACCESS_KEY_ID');
  const secretAccessKey = look('R2_SECRET_ACCESS_KEY');
  const hasKey = accessKeyId !== undefined || secretAccessKey !== undefined;
  if (bucket === undefined && !hasKey) return undefined;
  if (bucket !== undefined && accountId !== undefined) {
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      const endpoint = `https://${accountId}.r2.cloudflarestorage.com`;
      return { s3: { endpoint, bucket, accessKeyId, secretAccessKey } };
    }
    const account = cloudflareAccount(look);
    if (!hasKey && account !== undefined) return { r2: { ...account, bucket } };
  }
  const credentials = hasKey
    ? ['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY']
    : ['CLOUDFLARE_API_TOKEN'];
  const missing = ['R2_BUCKET_NAME', 'CLOUDFLARE_ACCOUNT_ID', ...credentials].filter(
    (name) => look(name) === undefined,
  );
  throw new ConfigurationError(
    `photos in R2 cannot be read without ${missing.join(' and ')}: set R2_BUCKET_NAME, CLOUDFLARE_ACCOUNT_ID and ` +
      'either R2_ACCESS_KEY_ID with R2_SECRET_ACCESS_KEY or CLOUDFLARE_API_TOKEN, in the environment or in .env; ' +
      'add SOURCE_S3_ENDPOINT for a bucket of a jurisdiction or another S3 server; for archives without photos leave R2_* out',
  );
}

function authOf(look: Look): AuthOptions {
  const secret = look('ADMIN_FORWARD_SECRET');
  const issuer = look('ADMIN_JWT_ISSUER');
  return given({
    forwarded:
      secret === undefined ? undefined : { secret, audience: look('ADMIN_FORWARD_AUDIENCE') },
    jwt:
      issuer === undefined
        ? undefined
        : {
            issuer,
            key: look('ADMIN_JWT_KEY'),
            jwksUrl: look('ADMIN_JWT_JWKS_URL'),
            authorizedParties: listOf(look, 'ADMIN_JWT_AUTHORIZED_PARTIES'),
            organizationId: look('ADMIN_JWT_ORGANIZATION_ID'),
          },
    rows: isOn(look, 'ADMIN_PLATFORM_ROWS') ? rowsOf(look) : undefined,
  });
}

function rowsOf(look: Look): RowsAuth {
  const file = look('SOURCE_DATABASE_FILE') ?? wranglerFile(look);
  if (file !== undefined) return { file };
  const d1 = remoteDatabase(look);
  if (d1 !== undefined) return { d1 };
  throw new ConfigurationError(
    `ADMIN_PLATFORM_ROWS needs a live database: set SOURCE_DATABASE_FILE, or ${remoteNames}`,
  );
}

const remoteNames = 'CLOUDFLARE_ACCOUNT_ID, D1_DATABASE_ID and CLOUDFLARE_API_TOKEN';

/** D1 at Cloudflare, once all of it is named. */
function remoteDatabase(look: Look): RemoteDatabase | undefined {
  const databaseId = look('D1_DATABASE_ID');
  const account = cloudflareAccount(look);
  return account === undefined || databaseId === undefined ? undefined : { ...account, databaseId };
}

/** An account at Cloudflare and a token of it, once both are named. */
function cloudflareAccount(look: Look): Omit<RemoteDatabase, 'databaseId'> | undefined {
  const accountId = look('CLOUDFLARE_ACCOUNT_ID');
  const apiToken = look('CLOUDFLARE_API_TOKEN');
  if (accountId === undefined || apiToken === undefined) return undefined;
  return { accountId, apiToken, ...given({ apiUrl: look('CLOUDFLARE_API_BASE_URL') }) };
}

function dumpsOf(look: Look, own: string): DumpStore {
  const directory = look('DUMPS_DIR');
  const endpoint = look('DUMPS_S3_ENDPOINT');
  const publicUrl = look('DUMPS_PUBLIC_URL');
  if (directory !== undefined && endpoint === undefined) {
    return { directory, publicUrl: publicUrl ?? own };
  }
  if (endpoint === undefined || directory !== undefined) {
    throw new ConfigurationError(
      'dumps need exactly one place: set DUMPS_DIR (a folder that this service serves), or DUMPS_S3_ENDPOINT with ' +
        'DUMPS_S3_BUCKET, DUMPS_S3_ACCESS_KEY_ID, DUMPS_S3_SECRET_ACCESS_KEY and DUMPS_PUBLIC_URL',
    );
  }
  const need = needed(look, 'DUMPS_S3_ENDPOINT');
  return {
    s3: {
      endpoint,
      bucket: need('DUMPS_S3_BUCKET'),
      accessKeyId: need('DUMPS_S3_ACCESS_KEY_ID'),
      secretAccessKey: need('DUMPS_S3_SECRET_ACCESS_KEY'),
      region: look('DUMPS_S3_REGION'),
    },
    publicUrl: need('DUMPS_PUBLIC_URL'),
  };
}

/** The file that wrangler keeps a local D1 in: its name is computed from the database's id. */
function wranglerFile(look: Look): string | undefined {
  const state = look('SOURCE_WRANGLER_STATE');
  if (state === undefined) return undefined;
  const actor = 'miniflare-D1DatabaseObject';
  const key = createHash('sha256').update(actor).digest();
  const half = (of: string | Buffer): Buffer =>
    createHmac('sha256', key).update(of).digest().subarray(0, 16);
  const first = half(localId(look));
  const name = Buffer.concat([first, half(first)]).toString('hex');
  return join(state, 'd1', actor, `${name}.sqlite`);
}

function localId(look: Look): string {
  return needed(look, 'SOURCE_WRANGLER_STATE')('D1_DATABASE_ID');
}

/** Looks up what another setting cannot do without. */
function needed(look: Look, by: string): (name: string) => string {
  return (name) => {
    const value = look(name);
    if (value === undefined) throw new ConfigurationError(`${by} needs ${name}: set it`);
    return value;
  };
}

/** What is neither on nor left out is a mistake: where bans are read, off would let people in. */
function isOn(look: Look, name: string): boolean {
  const text = look(name);
  if (text === undefined || text === '1') return text === '1';
  throw new ConfigurationError(`${name} must be 1, or left out`);
}

function numberOf(look: Look, name: string, least: number, most: number): number | undefined {
  const text = look(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ConfigurationError(`${name} must be a whole number from ${least} to ${most}`);
}

function listOf(look: Look, name: string): readonly string[] | undefined {
  const parts = look(name)
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts?.length !== 0) return parts;
  throw new ConfigurationError(`${name} names nothing: set one origin or more, or leave it out`);
}

/** An object without the members that are not set. */
function given<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const set = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as { [K in keyof T]: Exclude<T[K], undefined> };
}
