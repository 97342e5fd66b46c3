/** What lies in the bucket, by what it is to the list of dumps. */

import { dayOf, timeOf } from './names.js';
import type { DumpName } from './names.js';
import type { PublishedDump } from './published.js';

const dayMs = 86_400_000;

/** A dump of which archive and sidecar are there. */
export type Whole = DumpName & { readonly dump: PublishedDump };
/** When it goes, in milliseconds. */
export type Superseded = Whole & { readonly goesAt: number };

export interface Found {
  /** Dumps in the list, newest first: the last one of each day. */
  readonly listed: readonly Whole[];
  /** Dumps that a later one of their day has replaced. */
  readonly superseded: readonly Superseded[];
  /** Archives without a sidecar, and sidecars without one: uploads and removals that did not end well. */
  readonly orphans: readonly DumpName[];
  /** All of these, and those whose sidecar cannot be read. */
  readonly names: readonly DumpName[];
}

/** Tells the last dump of each day, which is listed, from those that it has replaced. `whole`: newest first. */
export function byDay(whole: readonly Whole[]): Pick<Found, 'listed' | 'superseded'> {
  const isLast = (one: Whole): boolean =>
    whole.find((other) => dayOf(other) === dayOf(one)) === one;
  return {
    listed: whole.filter(isLast),
    superseded: whole
      .filter((one) => !isLast(one))
      .map((one) => ({
        ...one,
        goesAt: dayMs + Math.min(...whole.filter((other) => isLater(other, one)).map(timeOf)),
      })),
  };
}

/** Dumps of days beyond those that are kept: what the last one of a day has replaced first, lest it is listed instead. */
export function beyond({ listed, superseded }: Found, keep: number): readonly DumpName[] {
  return listed
    .slice(keep)
    .flatMap((last) => [...superseded.filter((one) => dayOf(one) === dayOf(last)), last]);
}

/** What was replaced a day ago, or left by an upload of yesterday. */
export function oldIn({ superseded, orphans }: Found): readonly DumpName[] {
  const now = Date.now();
  return [
    ...superseded.filter(({ goesAt }) => goesAt < now),
    ...orphans.filter((dump) => timeOf(dump) < now - dayMs),
  ];
}

/** Whether a dump replaces another one. */
function isLater(one: DumpName, other: DumpName): boolean {
  return dayOf(one) === dayOf(other) && one.id > other.id;
}
