/** How long the servers of specs keep a connection. */

/** On a machine that is busy one may be idle for Node's own five seconds, and the next request meet its end. */
export const patient = { keepAliveTimeout: 60_000 };
