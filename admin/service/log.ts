/** What went wrong, for the operator: on stderr, one line of JSON, with the id that the caller was given. */

import { codeOf } from './codes.js';

/** Something that the operator should see to though the service goes on. */
export function logWarning(warning: string): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), warning })}\n`);
}

/** Messages and codes down the chain of causes; no stack, no request, and so nobody's credential. */
export function logDefect(error: unknown, correlationId?: string): void {
  const chain: string[] = [];
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) {
    const code = codeOf(at);
    chain.push(
      code === undefined ? `${at.name}: ${at.message}` : `${at.name} ${code}: ${at.message}`,
    );
  }
  const line = { at: new Date().toISOString(), error: chain, correlation_id: correlationId };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
