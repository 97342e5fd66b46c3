/** Credentials of every kind, made by hand: independently of the code that checks them. */

import {
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign as signWith,
} from 'node:crypto';
import { join } from 'node:path';

export type Headers = Readonly<Record<string, string>>;

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
}

export const forwardSecret = 'forward-secret-of-the-tests-0123456789';
export const issuer = 'https://clerk.example.org';
export const panelOrigin = 'https://admin.example.org';
export const organization = 'org_ours';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();

export interface SignatureParts {
  readonly secret: string;
  readonly audience: string;
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly admin: string;
}

/** What the Worker sends. `signed` changes what is signed, `sent` what is sent. */
export function forwarded(
  { method, target, body = '' }: Request,
  admin: string,
  signed: Partial<SignatureParts> = {},
  sent: Headers = {},
): Headers {
  const timestamp = String(Date.now());
  const nonce = randomUUID();
  const secret = forwardSecret;
  const audience = 'cultural-archiver-admin';
  const parts = { secret, audience, method, target, body, timestamp, nonce, admin, ...signed };
  const digest = createHash('sha256').update(parts.body).digest('hex');
  const fields = [
    'v1',
    parts.audience,
    parts.method,
    parts.target,
    digest,
    parts.timestamp,
    parts.nonce,
    parts.admin,
  ];
  const text = fields.map((field) => `${Buffer.byteLength(field)}:${field},`).join('');
  return {
    'x-archiver-signature': `v1=${createHmac('sha256', parts.secret).update(text).digest('hex')}`,
    'x-archiver-timestamp': parts.timestamp,
    'x-archiver-nonce': parts.nonce,
    'x-archiver-admin': admin,
    ...sent,
  };
}

export type Claims = Readonly<Record<string, unknown>>;

/** Clerk's token of an admin of our organisation, but for what `claims` change. `kid` names the key that signs. */
export function jwt(
  claims: Claims = {},
  key: KeyObject | 'other' = pair.privateKey,
  kid?: string,
): string {
  const secret = key === 'other' ? otherPair.privateKey : key;
  const text = unsigned({ alg: 'RS256', typ: 'JWT', kid }, claims);
  return `${text}.${signWith('sha256', Buffer.from(text), secret).toString('base64url')}`;
}

/** A token that says it needs no signature. */
export function jwtNone(claims: Claims = {}): string {
  return `${unsigned({ alg: 'none', typ: 'JWT' }, claims)}.`;
}

/** A token signed with the public key as if it were a shared secret. */
export function jwtConfused(claims: Claims = {}): string {
  const text = unsigned({ alg: 'HS256', typ: 'JWT' }, claims);
  return `${text}.${createHmac('sha256', publicKey).update(text).digest('base64url')}`;
}

function unsigned(header: Claims, claims: Claims): string {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: issuer,
    sub: 'user_2organisationadmin',
    azp: panelOrigin,
    iat: now,
    nbf: now - 5,
    exp: now + 60,
    org_id: organization,
    org_role: 'org:admin',
    ...claims,
  };
  return [header, all]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

/** The variables of a service, with its folders in `base`, that lets admins in by every way there is. */
export function everyWayIn(base: string, database: string): Record<string, string> {
  return {
    SOURCE_DATABASE_FILE: database,
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_FORWARD_SECRET: forwardSecret,
    ADMIN_JWT_ISSUER: issuer,
    ADMIN_JWT_KEY: publicKey,
    ADMIN_JWT_ORGANIZATION_ID: organization,
    ADMIN_ORIGINS: panelOrigin,
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    DUMPS_DIR: join(base, 'public'),
  };
}
