/** How the tabs of a browser share the stream of a job. */

/** What they call it. */
const stream = 'cultural-archiver-events';

/** What joins the tabs of a browser; nothing where it keeps nothing of a site, which Firefox takes this for. */
export function channel(): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(stream);
  } catch {
    return undefined;
  }
}

/**
 * Does work that holds a connection, and gives true; false where another tab is doing it. Without HTTP/2, as before the
 * service itself, all tabs have six connections together; with as many streams no page would load any more.
 */
export async function inOneTab(work: () => Promise<void>): Promise<boolean> {
  // Browsers have locks on secure pages only.
  if ('locks' in navigator) {
    return navigator.locks.request(stream, { ifAvailable: true }, (lock) =>
      lock === null ? false : work().then(() => true),
    );
  }
  await work();
  return true;
}
