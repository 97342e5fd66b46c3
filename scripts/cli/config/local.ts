/** Rows and photos in wrangler's local state. */

import type { DatabaseSource, PhotoSource } from '../../../index.js';
import { UsageError } from '../errors.js';
import { defaultState } from './folders.js';
import type { Layers } from './layers.js';
import { Missing } from './missing.js';

/** The database as wrangler keeps it, by the id that `wrangler dev` uses. */
export function localDatabase(layers: Layers): { database: DatabaseSource; name: string } {
  const missing = new Missing('--local');
  const bound = layers.database();
  // As wrangler: the id for previews, else the id, else the name of the binding.
  const id = missing.require(
    bound === undefined ? undefined : (bound.previewId ?? bound.id ?? bound.binding),
    'the database',
    [
      `d1_databases in ${layers.configShown}`,
      ...layers.idVariable('D1_DATABASE_ID'),
      '--database-id',
    ],
  );
  missing.fail();
  const called = bound?.name === undefined ? id : `${bound.name} (${id})`;
  return {
    database: { wrangler: { databaseId: id, stateDir: localState(layers) } },
    name: `the LOCAL (development) database ${called}`,
  };
}

/** The bucket as wrangler keeps it. */
export function localPhotos(layers: Layers): PhotoSource {
  const missing = new Missing('--local');
  const bound = layers.bucket();
  const bucket = missing.require(bound?.name ?? bound?.binding, 'the bucket', [
    `r2_buckets in ${layers.configShown}`,
    ...layers.idVariable('R2_BUCKET_NAME'),
    '--bucket',
    'or --no-photos for the rows alone',
  ]);
  missing.fail();
  return { wrangler: { bucket, stateDir: localState(layers) } };
}

/** wrangler's state: that of the flag, else the only one there is, else where wrangler would make it. */
export function localState(layers: Layers): string {
  const [first, ...others] = layers.states;
  if (others.length > 0) {
    throw new UsageError(
      `wrangler keeps local state in several places (${layers.states.join(', ')}): choose one with --state-dir`,
    );
  }
  return first ?? defaultState(layers.config?.folder ?? '.');
}
