/** Preloaded into a service: its server waits a tenth of what it is set to, or of what Node waits where it is not. */

import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

/** Node's own, in milliseconds. */
const defaults = {
  headersTimeout: 60_000,
  requestTimeout: 300_000,
  connectionsCheckingInterval: 30_000,
  keepAliveTimeout: 5_000,
};

const { createServer } = http;
http.createServer = (options, listener) => {
  const patience = Object.entries({ ...defaults, ...options }).map(([name, ms]) => [name, ms / 10]);
  return createServer(Object.fromEntries(patience), listener);
};
syncBuiltinESMExports();
