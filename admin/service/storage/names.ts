/** How published things are called. Names hold dates and nothing else. */

export const prefix = 'public-data-dumps/';
export const indexKey = `${prefix}index.json`;
export const latestKey = `${prefix}latest.json`;
export const lockKey = `${prefix}.lock.json`;

/** A published dump: its id, which is the instant it was made, and its two objects. */
export interface DumpName {
  /** `YYYYMMDDTHHMMSSZ`: sorts by time. */
  readonly id: string;
  readonly filename: string;
  readonly archiveKey: string;
  readonly sidecarKey: string;
}

const idShape = /^(\d{4})(\d\d)(\d\d)T\d{6}Z$/;

/** The names of the dump made at an instant, `YYYY-MM-DDTHH:MM:SSZ`. */
export function nameAt(instant: string): DumpName | undefined {
  return nameOf(instant.replace(/[-:]/g, ''));
}

/** The names of the dump with an id; undefined when it is none. */
export function nameOf(id: string): DumpName | undefined {
  const [, year, month, day] = idShape.exec(id) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const filename = `datadump-${year}-${month}-${day}.zip`;
  const archiveKey = `${prefix}${id}/${filename}`;
  return { id, filename, archiveKey, sidecarKey: `${archiveKey}.json` };
}

/** Where the world reads the archive of a dump. */
export function urlOf({ archiveKey }: DumpName, publicUrl: string): string {
  return `${publicUrl}/${archiveKey}`;
}

/** The dump that an object belongs to. */
export function ownerOf(key: string): DumpName | undefined {
  const name = nameOf(key.slice(prefix.length).split('/')[0] ?? '');
  return name && [name.archiveKey, name.sidecarKey].includes(key) ? name : undefined;
}

export function dayOf({ id }: DumpName): string {
  return id.slice(0, 8);
}

export function timeOf({ id }: DumpName): number {
  return Date.parse(id.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
