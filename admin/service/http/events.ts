/** A job as a stream of events, read with fetch: EventSource cannot send a credential. */

import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

import { isOver, told } from '../jobs/job.js';
import type { Job } from '../jobs/job.js';
import type { JobRunner } from '../jobs/runner.js';

/** A stream ends after this long, so that who reads it has to show a valid credential again. */
const longestMs = 5 * 60_000;
/** Silence that proxies bear. */
const silenceMs = 15_000;

export function events(context: Context, runner: JobRunner, job: Job): Response {
  context.header('cache-control', 'no-store');
  context.header('x-accel-buffering', 'no');
  // Nobody would ever read the stream of a HEAD, nor end it.
  if (context.req.raw.method === 'HEAD') {
    return context.body(null, 200, { 'content-type': 'text/event-stream' });
  }
  return streamSSE(context, async (stream) => {
    let isNew = true as boolean;
    let wake = (): void => undefined;
    const unwatch = runner.watch(job.id, () => {
      isNew = true;
      wake();
    });
    stream.onAbort(() => {
      wake();
    });
    const until = performance.now() + longestMs;
    try {
      while (!stream.aborted && performance.now() < until) {
        // Read before it is written: what changes meanwhile is sent in the next round.
        const isLast = isOver(job);
        if (isNew || isLast) {
          isNew = false;
          await stream.writeSSE({ event: 'job', data: JSON.stringify(told(job)) });
        } else {
          await stream.write(': still here\n\n');
        }
        if (isLast) return;
        await new Promise<void>((woken) => {
          if (isNew) {
            woken();
            return;
          }
          const timer = setTimeout(woken, silenceMs);
          wake = () => {
            clearTimeout(timer);
            woken();
          };
        });
      }
    } finally {
      unwatch();
    }
  });
}
