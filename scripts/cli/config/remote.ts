/** Rows in D1, photos in R2 or on another S3 server. Credentials come from the environment alone. */

import type { DatabaseSource, PhotoSource } from '../../../index.js';
import type { Layers } from './layers.js';
import { Missing } from './missing.js';

/** Flags of what is remote. */
export interface RemoteFlags {
  accountId?: string;
  s3Endpoint?: string;
  s3Region?: string;
}

/** The database at Cloudflare, by the id of the configuration. */
export function remoteDatabase(
  flags: RemoteFlags,
  layers: Layers,
): { database: DatabaseSource; name: string } {
  const missing = new Missing('--remote');
  const bound = layers.database();
  const databaseId = missing.require(bound?.id, 'the database', [
    `database_id of d1_databases in ${layers.configShown}`,
    ...layers.idVariable('D1_DATABASE_ID'),
    '--database-id',
  ]);
  const apiToken = missing.require(layers.settings.get('CLOUDFLARE_API_TOKEN'), 'the API token', [
    'CLOUDFLARE_API_TOKEN, with the permission D1: Read',
  ]);
  const accountId = accountOf(flags, layers, missing);
  missing.fail();
  const called = bound?.name === undefined ? databaseId : `${bound.name} (${databaseId})`;
  return {
    database: {
      d1: { accountId, databaseId, apiToken, ...apiOf(layers) },
    },
    name: `the REMOTE database ${called}`,
  };
}

/** Photos in R2 by S3, with the keys that the environment has; without them, with the API token alone. */
export function remotePhotos(flags: RemoteFlags, layers: Layers): PhotoSource {
  const keys = ['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY'].map((name) =>
    layers.settings.get(name),
  );
  const isServedElsewhere =
    flags.s3Endpoint !== undefined || layers.bucket()?.jurisdiction !== undefined;
  if (isServedElsewhere || keys.some((key) => key !== undefined)) return s3Photos(flags, layers);
  const missing = new Missing('--remote');
  const apiToken = missing.require(layers.settings.get('CLOUDFLARE_API_TOKEN'), 'the API token', [
    'CLOUDFLARE_API_TOKEN, with the permission Workers R2 Storage: Read',
    'or, for S3, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY',
  ]);
  const bucket = bucketOf(layers, missing);
  const accountId = accountOf(flags, layers, missing);
  missing.fail();
  return { r2: { accountId, bucket, apiToken, ...apiOf(layers) } };
}

/** Photos by S3, with the keys that the environment has. */
export function s3Photos(flags: RemoteFlags, layers: Layers): PhotoSource {
  const missing = new Missing('S3');
  const accessKeyId = missing.require(layers.settings.get('R2_ACCESS_KEY_ID'), 'the access key', [
    'R2_ACCESS_KEY_ID',
  ]);
  const secretAccessKey = missing.require(
    layers.settings.get('R2_SECRET_ACCESS_KEY'),
    'the secret key',
    ['R2_SECRET_ACCESS_KEY'],
  );
  const bucket = bucketOf(layers, missing);
  const endpoint =
    flags.s3Endpoint ??
    r2Endpoint(accountOf(flags, layers, missing), layers.bucket()?.jurisdiction);
  missing.fail();
  const region = flags.s3Region === undefined ? {} : { region: flags.s3Region };
  return { s3: { endpoint, bucket, accessKeyId, secretAccessKey, ...region } };
}

/** The API's base, by the variable that wrangler has for it. */
function apiOf(layers: Layers): { apiUrl?: string } {
  const apiUrl = layers.settings.get('CLOUDFLARE_API_BASE_URL');
  return apiUrl === undefined ? {} : { apiUrl };
}

function accountOf(flags: RemoteFlags, layers: Layers, missing: Missing): string {
  return missing.require(flags.accountId ?? layers.accountId, 'the account id', [
    `account_id in ${layers.configShown}`,
    'CLOUDFLARE_ACCOUNT_ID',
    '--account-id',
  ]);
}

function bucketOf(layers: Layers, missing: Missing): string {
  return missing.require(layers.bucket()?.name, 'the bucket', [
    `bucket_name of r2_buckets in ${layers.configShown}`,
    ...layers.idVariable('R2_BUCKET_NAME'),
    '--bucket',
    'or --no-photos for the rows alone',
  ]);
}

/** Where R2 speaks S3. The buckets of a jurisdiction have a host of their own. */
export function r2Endpoint(accountId: string, jurisdiction?: string): string {
  const host = jurisdiction === undefined ? accountId : `${accountId}.${jurisdiction}`;
  return `https://${host}.r2.cloudflarestorage.com`;
}
