/** Preloaded into a service: Node has nothing that the first releases of Node 20 did not have. */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

delete globalThis.AbortSignal.any;

const { readdirSync } = fs;
fs.readdirSync = (path, options) => {
  const known = typeof options === 'object' ? { ...options, recursive: false } : options;
  const found = readdirSync(path, known);
  for (const entry of found) if (typeof entry === 'object') delete entry.parentPath;
  return found;
};
syncBuiltinESMExports();
