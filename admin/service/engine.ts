/** The part of the addon that the service uses. Tests of the service's own behaviour stand in for it. */

import * as addon from '../../index.js';

import { Problem } from './envelope.js';
import type { DatabaseSource, PhotoSource } from './options.js';

export type Progress = Parameters<NonNullable<addon.BackupOptions['onProgress']>>[0];

/** What the service asks of a data dump. */
export interface DumpRequest {
  readonly database: DatabaseSource;
  readonly photos?: PhotoSource | undefined;
  readonly outputDir: string;
  readonly previous?: string | undefined;
  readonly allowShrink: boolean;
  readonly source?: { name?: string; url?: string; contact?: string } | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** What the service reads of a finished dump. */
export interface DumpResult {
  readonly filename: string;
  readonly path?: string;
  readonly size: number;
  readonly sha256: string;
  readonly complete: boolean;
  readonly warnings: readonly addon.Warning[];
  readonly metadata: {
    readonly generated_at: string;
    readonly counts: {
      readonly total_artworks: number;
      readonly total_creators: number;
      readonly total_tags: number;
      readonly total_photos: number;
    };
    readonly privacy: { readonly redactions: Readonly<Record<string, number>> };
  };
}

export interface Engine {
  readonly createBackup: typeof addon.createBackup;
  readonly createDataDump: (options: DumpRequest) => Promise<DumpResult>;
}

export const realEngine: Engine = {
  createBackup: addon.createBackup,
  createDataDump: (options) => {
    const made = (addon as Partial<Engine>).createDataDump;
    if (made === undefined)
      throw new Problem(501, 'NOT_AVAILABLE', 'This build makes no data dumps');
    return made(options);
  },
};
