/** How often one caller may ask: a fixed window of a minute for each. */

import { Problem } from '../envelope.js';

const windowMs = 60_000;
/** Callers that are counted; beyond it the window starts anew, so that memory stays bounded. */
const crowd = 100_000;

export class RateLimit {
  readonly #counts = new Map<string, number>();
  /** By a clock that nobody sets. */
  #since = performance.now();

  constructor(private readonly perMinute: number) {}

  /** Counts one request; a Problem once there were too many. `onFirst` is told of the first one too many of a minute. */
  spend(caller: string, onFirst: () => void): void {
    const now = performance.now();
    if (now - this.#since >= windowMs || this.#counts.size > crowd) {
      this.#counts.clear();
      this.#since = now;
    }
    const count = (this.#counts.get(caller) ?? 0) + 1;
    this.#counts.set(caller, count);
    if (count <= this.perMinute) return;
    if (count === this.perMinute + 1) onFirst();
    const seconds = Math.max(1, Math.ceil((this.#since + windowMs - now) / 1000));
    throw new Problem(429, 'RATE_LIMITED', `Too many requests: try again in ${seconds} s`, {
      headers: { 'retry-after': String(seconds) },
    });
  }

  /** Takes one back that should not have counted. */
  refund(caller: string): void {
    const count = this.#counts.get(caller) ?? 0;
    if (count > 0) this.#counts.set(caller, count - 1);
  }
}
