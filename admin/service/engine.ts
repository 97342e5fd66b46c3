/** The part of the addon that the service uses. Tests of the service's own behaviour stand in for it. */

import { createBackup, createDataDump } from '../../index.js';
import type { BackupOptions, DataDumpResult } from '../../index.js';

export interface Engine {
  readonly createBackup: typeof createBackup;
  readonly createDataDump: typeof createDataDump;
}

export type Progress = Parameters<NonNullable<BackupOptions['onProgress']>>[0];
export type DumpResult = DataDumpResult;

export const realEngine: Engine = { createBackup, createDataDump };
