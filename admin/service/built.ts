/**
 * Imported before everything that needs the core: ends the program where that was built for another machine, as after
 * a move or an update of the system, or not at all. What the generated loader says then is about npm, and a stack.
 */

import { createRequire } from 'node:module';

try {
  createRequire(import.meta.url)('../../index.js');
} catch (error) {
  console.error(
    `error: the core of this package does not load on this machine (${process.platform}, ${process.arch}): build the ` +
      `project here, with \`npm run build\`; its README says what that takes\n  because: ${firstReason(error)}`,
  );
  process.exit(1);
}

/** Why what was built for such a machine does not load. The loader tries that first, so that it ends the chain. */
function firstReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return firstReason(error.cause);
  // Then Node names the modules that asked for it.
  return error.message.split('\n', 1)[0] ?? '';
}
