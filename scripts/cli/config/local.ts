/** Rows and photos in wrangler's local state. */

import type { DatabaseSource, PhotoSource } from '../../../index.js';
import { UsageError } from '../errors.js';
import { defaultState } from './folders.js';
import type { Layers } from './layers.js';
import { Missing } from './missing.js';
import type { DatabaseBinding } from './wrangler.js';

/** The database as wrangler keeps it, by the id that `wrangler dev` uses. */
export function localDatabase(layers: Layers): { database: DatabaseSource; name: string } {
  const missing = new Missing('--local');
  const bound = layers.database();
  if (bound !== undefined) refuseTwoCopies(bound, layers);
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
    database: { wrangler: { databaseId: id, stateDir: stateOf(layers) } },
    name: `the LOCAL (development) database ${called}`,
  };
}

/** A database that a variable names may have two copies here: under its own id, and where `wrangler dev` keeps it. */
function refuseTwoCopies({ binding, id, previewId }: DatabaseBinding, layers: Layers): void {
  const isNamed = binding === '' && id !== undefined;
  if (!isNamed || previewId === undefined || previewId === id) return;
  throw new UsageError(
    `D1_DATABASE_ID names ${id}, whose local copy wrangler keeps under ${previewId} ` +
      `(preview_database_id in ${layers.configShown}): say --database-id ${previewId} for that, or --database-id ${id}`,
  );
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
  return { wrangler: { bucket, stateDir: stateOf(layers) } };
}

function stateOf(layers: Layers): string {
  const [first, ...others] = layers.states;
  if (others.length > 0) {
    throw new UsageError(
      `wrangler keeps local state in several places (${layers.states.join(', ')}): choose one with --state-dir`,
    );
  }
  return first ?? defaultState(layers.config?.folder ?? '.');
}
