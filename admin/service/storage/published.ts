/** A dump, as it is published and as it lies on the service's disk. */

import * as v from 'valibot';

import { isHttp } from '../checks.js';
import { nameOf } from './names.js';
import type { DumpName } from './names.js';

export interface Counts {
  readonly total_artworks: number;
  readonly total_creators: number;
  readonly total_tags: number;
  readonly total_photos: number;
}

/** A published dump as the world sees it: the content of its sidecar. */
export interface PublishedDump {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly generated_at: string;
  readonly complete: boolean;
  readonly metadata: Counts;
  readonly warnings: readonly string[];
  readonly download_url: string;
}

/** What is said about a dump to the operator alone: it names what is not public. */
export interface ForOperator {
  readonly operator_warnings: readonly string[];
}

/** A finished dump on the service's disk. */
export interface LocalDump extends Omit<PublishedDump, 'id' | 'download_url'>, ForOperator {
  readonly path: string;
}

/** A finished dump that can be published, or sent again. */
export interface KeptDump extends LocalDump {
  /** Whether an attempt to publish it has begun to upload it, so that the world may see it. */
  readonly exposed: boolean;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const facts = {
  filename: v.string(),
  size: whole,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  // The panel shows it as a date.
  generated_at: v.pipe(v.string(), v.isoTimestamp()),
  complete: v.boolean(),
  metadata: v.object({
    total_artworks: whole,
    total_creators: whole,
    total_tags: whole,
    total_photos: whole,
  }),
  warnings: v.array(v.string()),
};
const shape = v.object({
  id: v.string(),
  ...facts,
  // The panel makes a link of it, and there are URLs that are scripts.
  download_url: v.pipe(v.string(), v.check(isHttp)),
});
/** The shape of a `KeptDump`, as it is written down. */
export const keptShape = v.object({
  ...facts,
  operator_warnings: v.array(v.string()),
  path: v.string(),
  exposed: v.boolean(),
});

/** What a sidecar or latest.json says; undefined when that is nothing that the service has written. */
export function readPublished(body: Buffer): PublishedDump | undefined {
  try {
    const dump = v.parse(shape, JSON.parse(body.toString()));
    return dump.filename === nameOf(dump.id)?.filename ? dump : undefined;
  } catch {
    return undefined;
  }
}

/** Member by member: whatever else is known about a local dump stays local. */
export function toPublished(name: DumpName, dump: LocalDump, download_url: string): PublishedDump {
  const { filename, size, sha256, generated_at, complete, metadata, warnings } = dump;
  const { id } = name;
  return { id, filename, size, sha256, generated_at, complete, metadata, warnings, download_url };
}
