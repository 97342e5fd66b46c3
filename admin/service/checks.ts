/** What must hold before the service starts. */

import { readdirSync, realpathSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

import { codeOf } from './codes.js';
import { ConfigurationError } from './options.js';
import type { AdminOptions, AuthOptions, S3Options } from './options.js';

const secretLength = 32;

/** Somebody can be let in, and nobody else. */
export function checkAuth({ auth, origins }: AdminOptions): void {
  if (Object.values(auth).every((way) => way === undefined)) {
    throw new ConfigurationError(
      'nobody could be let in: set ADMIN_FORWARD_SECRET (requests of the Worker), ADMIN_JWT_ISSUER with a key ' +
        "(Clerk's tokens) or ADMIN_PLATFORM_ROWS=1 (the platform's roles, for local work)",
    );
  }
  if (auth.forwarded !== undefined && auth.forwarded.secret.length < secretLength) {
    throw new ConfigurationError(`ADMIN_FORWARD_SECRET needs at least ${secretLength} characters`);
  }
  checkTokens(auth, origins);
  for (const origin of origins) {
    if (!isOrigin(origin)) {
      throw new ConfigurationError(
        `ADMIN_ORIGINS: ${origin} is no origin such as https://example.org`,
      );
    }
  }
}

/** Tokens can be an admin's, and looking them up costs nothing that anybody could use up. */
function checkTokens({ jwt, rows }: AuthOptions, origins: readonly string[]): void {
  if (jwt !== undefined && jwt.organizationId === undefined && rows === undefined) {
    throw new ConfigurationError(
      "Clerk's tokens would let nobody in: set ADMIN_JWT_ORGANIZATION_ID (whose org:admin is an admin) or " +
        "ADMIN_PLATFORM_ROWS=1 (the platform's roles)",
    );
  }
  if (jwt !== undefined && (jwt.authorizedParties ?? origins).length === 0) {
    throw new ConfigurationError(
      "Clerk's tokens would let nobody in: name the origins of your pages in ADMIN_ORIGINS",
    );
  }
  if (rows !== undefined && 'd1' in rows && jwt === undefined) {
    throw new ConfigurationError(
      'ADMIN_PLATFORM_ROWS alone is for local work: at Cloudflare, wrong tokens would use up the 1,200 requests that ' +
        'the account has in five minutes. Set ADMIN_JWT_ISSUER with a key or ADMIN_FORWARD_SECRET in its place, or ' +
        'name a local database',
    );
  }
}

/** Dumps have a place to go, and nothing private lies there. */
export function checkStorage(options: AdminOptions): void {
  const { dumps, keep } = options;
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 1)) {
    throw new ConfigurationError('DUMPS_KEEP must be a whole number from 1 on');
  }
  if (!isHttp(dumps.publicUrl) || /[?#]/.test(dumps.publicUrl)) {
    throw new ConfigurationError(
      'DUMPS_PUBLIC_URL must be the URL at which the world reads dumps, such as https://dumps.example.org',
    );
  }
  if ('directory' in dumps) checkFolder(dumps.directory, options);
  else checkEndpoint(dumps.s3);
}

function checkEndpoint({ endpoint, bucket }: S3Options): void {
  if (!isHttp(endpoint)) {
    throw new ConfigurationError(
      'DUMPS_S3_ENDPOINT must be a URL such as https://ACCOUNT.r2.cloudflarestorage.com',
    );
  }
  // As R2's dashboard shows it: the first job would fail, and say nothing of this.
  if (new URL(endpoint).pathname.replace(/\/+$/, '').endsWith(`/${bucket}`)) {
    throw new ConfigurationError(
      'DUMPS_S3_ENDPOINT has the bucket at its end, which DUMPS_S3_BUCKET names: leave it out there',
    );
  }
}

/** A folder that is served must hold nothing private, now or later. */
function checkFolder(directory: string, { backupDir, stateDir }: AdminOptions): void {
  const served = real(directory);
  for (const [name, path] of Object.entries({
    BACKUP_OUTPUT_DIR: backupDir,
    ADMIN_STATE_DIR: stateDir,
  })) {
    const own = real(path);
    if (isWithin(own, served) || isWithin(served, own)) {
      throw new ConfigurationError(
        `DUMPS_DIR is served to everybody and ${name} is private: neither may lie inside the other`,
      );
    }
  }
  if (holdsBackup(served)) {
    throw new ConfigurationError(
      'DUMPS_DIR holds a private backup and would be served to everybody: move the backup, or choose another folder',
    );
  }
}

/** Whether a path is a folder, or lies in it. */
function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Whether a private backup lies in a folder, or where a link in it leads. */
function holdsBackup(folder: string): boolean {
  const folders = new Set([folder]);
  for (const one of folders) {
    for (const entry of entriesOf(one)) {
      const path = join(one, entry.name);
      const to = entry.isSymbolicLink() ? real(path) : path;
      if ([path, to].some((name) => /^backup-.*\.zip$/i.test(basename(name)))) return true;
      if (entry.isDirectory() || entry.isSymbolicLink()) folders.add(to);
    }
  }
  return false;
}

/** What lies in a folder; nothing where there is none, a link in circles, or one that this process may not list. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
}

/** Where a path leads by way of links, also when its end is not there yet. */
function real(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync.native(whole);
  } catch {
    const parent = dirname(whole);
    return parent === whole ? whole : join(real(parent), basename(whole));
  }
}

/** `localhost:9000` is a URL too: one of the scheme `localhost`. */
export function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
