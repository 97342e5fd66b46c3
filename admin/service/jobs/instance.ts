/** Which process runs a job, so that another one with the same memory can tell whether it still lives. */

import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

import { codeOf } from '../codes.js';

export interface Instance {
  /** Random: no two processes ever share it. */
  readonly id: string;
  /** Where its pid means something: the host since it was started, and a container's own namespace of pids. */
  readonly place: string;
  readonly pid: number;
  /** When the process began, as the system counts; null where it does not tell. */
  readonly started: string | null;
}

export const self: Instance = {
  id: randomUUID(),
  place: [
    hostname(),
    told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    told(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' '),
  pid: process.pid,
  started: startOf(process.pid),
};

export function isOurs({ id }: Instance): boolean {
  return id === self.id;
}

/** Whether a process is certainly gone. About one in another container or on another host nothing is certain. */
export function isGone({ id, place, pid, started }: Instance): boolean {
  if (id === self.id || place !== self.place) return false;
  // Our own pid is that of an earlier life: a container's first process is always 1.
  if (pid === self.pid || !isAlive(pid)) return true;
  return started !== null && startOf(pid) !== started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** A pid is given again; the time at which its process began is not. */
function startOf(pid: number): string | null {
  // A /proc of another namespace of pids tells about other processes.
  if (told(() => readlinkSync('/proc/self')) !== String(process.pid)) return null;
  const stat = told(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** What Linux tells, and other systems do not. */
function told(look: () => string): string | null {
  try {
    return look();
  } catch {
    return null;
  }
}
