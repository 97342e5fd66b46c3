/** What the service is told: where data comes from, where dumps go, who gets in. */

import type { BackupOptions } from '../../index.js';

import type { AuditLine } from './audit.js';
import type { Engine } from './engine.js';

export type DatabaseSource = BackupOptions['database'];
export type RemoteDatabase = NonNullable<DatabaseSource['d1']>;
export type PhotoSource = NonNullable<BackupOptions['photos']>;

/** A signature of the platform's Worker, which has authenticated the admin itself. */
export interface ForwardedAuth {
  /** Shared with the Worker; at least 32 characters. */
  readonly secret: string;
  /** Names this service, so that a signature for another one is worthless here. Default `cultural-archiver-admin`. */
  readonly audience?: string | undefined;
}

/** A bearer token of Clerk. */
export interface JwtAuth {
  /** The public key: PEM (SPKI; `\n` may stand for its line ends), or a JWKS as JSON. Either this or `jwksUrl`. */
  readonly key?: string | undefined;
  /** Where the JWKS is. */
  readonly jwksUrl?: string | undefined;
  /** The only `iss` that counts. */
  readonly issuer: string;
  /** The only `azp` that count. Default: the service's `origins`. */
  readonly authorizedParties?: readonly string[] | undefined;
  /** Whose `org:admin` is an admin here. Without it the claim means nothing: anyone can found an organisation. */
  readonly organizationId?: string | undefined;
}

/** Where the platform's own roles are read: the live database. Meant for local work. */
export type RowsAuth = { readonly file: string } | { readonly d1: RemoteDatabase };

/** Who gets in; at least one way. */
export interface AuthOptions {
  readonly forwarded?: ForwardedAuth | undefined;
  readonly jwt?: JwtAuth | undefined;
  readonly rows?: RowsAuth | undefined;
  /** A token that is an admin's, for a first look; never for production. */
  readonly oneTimeToken?: string | undefined;
}

export interface S3Options {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Default `auto`, as R2 wants it. */
  readonly region?: string | undefined;
}

/** Where dumps are published. */
export type DumpStore =
  | {
      readonly directory: string;
      /** Where the world reaches this service. Links begin with it. */
      readonly publicUrl: string;
    }
  | {
      readonly s3: S3Options;
      /** Where the world reads the bucket. Links begin with it. */
      readonly publicUrl: string;
    };

/** How often one caller may ask, in requests per minute. */
export interface RateLimits {
  /** Of one admin. Default 1,200. */
  readonly requests?: number | undefined;
  /** Of one admin, requests that change something. Default 60. */
  readonly changes?: number | undefined;
  /** From one address, requests that are refused: those of nobody who is known, and all others apart. Default 600. */
  readonly refusals?: number | undefined;
}

export interface AdminOptions {
  readonly database: DatabaseSource;
  readonly photos?: PhotoSource | undefined;
  readonly auth: AuthOptions;
  readonly dumps: DumpStore;
  /** Where private backups stay, readable for the service alone. Nothing serves it. */
  readonly backupDir: string;
  /** The service's own memory: jobs, nonces, dumps under review. Private; survives restarts. */
  readonly stateDir: string;
  /** Web origins whose pages may change something, such as `https://example.org`. */
  readonly origins: readonly string[];
  /** Cited inside a dump. */
  readonly source?: { readonly name?: string; readonly url?: string; readonly contact?: string };
  /** Dumps that stay published, the newest first. Default 12. */
  readonly keep?: number | undefined;
  readonly rateLimits?: RateLimits | undefined;
  /** Told of every change and every refusal. Default: one line of JSON on stdout. */
  readonly onAudit?: ((line: AuditLine) => void) | undefined;
  /** @internal The addon, unless a test stands in for it. */
  readonly engine?: Engine | undefined;
}

/** The service cannot start as it is configured; the message says what to set. */
export class ConfigurationError extends Error {
  readonly code = 'INVALID_OPTIONS';
  override readonly name = 'ConfigurationError';
}
