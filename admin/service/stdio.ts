/** The output of a process: of the service and, from dist, of the commands. */

/** Whoever read it has gone, or its disk is full: the work goes on. */
export function surviveLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** Keeps the client for buckets from telling on Node 20 what later versions of it will need. */
export function keepClientQuiet(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}
