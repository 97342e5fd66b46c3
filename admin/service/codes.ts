/** The codes that errors have, for the service and, as it is built, for the commands. */

/** The code of a coded error, such as `ENOENT` or the addon's. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The codes of the addon's errors. */
const addonCodes: ReadonlySet<string> = new Set([
  'INVALID_OPTIONS',
  'DATABASE_NOT_FOUND',
  'DATABASE_UNREADABLE',
  'SOURCE_UNREACHABLE',
  'SOURCE_REFUSED',
  'SOURCE_CHANGED',
  'PHOTO_FAILED',
  'OUTPUT_UNWRITABLE',
  'DISK_FULL',
  'ARCHIVE_EXISTS',
  'ARCHIVE_CORRUPT',
  'DRILL_FAILED',
  'SCHEMA_UNKNOWN',
  'ARCHIVE_TOO_LARGE',
  'PRIVACY_LEAK',
  'DUMP_SHRUNK',
  'TARGET_NOT_EMPTY',
  'ABORT_ERR',
  'INTERNAL_ERROR',
]);

/** Whether an error of this code is the addon's, whose messages are for people. */
export function isAddonCode(code: string): boolean {
  return addonCodes.has(code);
}
