/** The output of a process: of the service and, from dist, of the commands. */

/** Whoever read it has gone, or its disk is full: the work goes on. */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
