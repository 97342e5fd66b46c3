/** The part of the addon that the service uses. Tests of the service's own behaviour stand in for it. */

import * as addon from '../../index.js';

export type Progress = Parameters<NonNullable<addon.BackupOptions['onProgress']>>[0];

export type DumpRequest = addon.DataDumpOptions;
export type DumpResult = addon.DataDumpResult;

export interface Engine {
  readonly createBackup: typeof addon.createBackup;
  readonly createDataDump: typeof addon.createDataDump;
}

export const realEngine: Engine = {
  createBackup: addon.createBackup,
  createDataDump: addon.createDataDump,
};
