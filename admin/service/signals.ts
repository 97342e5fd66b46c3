/** The signals that ask a process to end. */

/** What the shell calls a process that was interrupted. */
export const interrupted = 130;

/** npm hands on the Ctrl-C that the terminal has sent already: two within these milliseconds are one. */
const sameWithin = 1_000;

/** Calls `stop` at the first signal, which ends the process in good order; a second one ends it at once. */
export function onSignals(stop: () => void): void {
  let first: number | undefined;
  const heed = (): void => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      stop();
    } else if (now - first > sameWithin) {
      process.exit(interrupted);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']) process.on(signal, heed);
}
