/** What a process says, for the service and, as it is built, for the commands. */

/** Whoever read it has gone, or the disk that it goes to is full: what the process is about goes on. */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
