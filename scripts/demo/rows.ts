/** What rows that are made up hold, for the demo and for the benchmark. */

export type Row = Readonly<Record<string, string | number | null>>;

/** `2025-08-01 14:30:22`, as SQLite's datetime() writes it. */
export function sqlTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');
}
