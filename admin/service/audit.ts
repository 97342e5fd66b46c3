/**
 * Who did what. On the platform a user's id is the secret that logs the user in, so that no line has one: an admin is
 * `adm_` and 12 hex digits of an HMAC, the same for the same person, worthless to anybody else.
 */

import { createHmac } from 'node:crypto';

import { logDefect } from './log.js';

/** The id of an admin as it may be written down. */
export type AdminName = `adm_${string}`;

export interface AuditLine {
  /** When: RFC 3339, UTC. */
  readonly at: string;
  /** Who; null when the caller was not let in. */
  readonly actor: AdminName | null;
  /** What, such as `data_dump.generate`. */
  readonly action: string;
  /** On what: a job's or a dump's id. */
  readonly subject?: string | undefined;
  /** `accepted`, `done`, or the code of an error. */
  readonly outcome: string;
}

export class Audit {
  readonly #secret: string;
  readonly #write: (line: AuditLine) => unknown;

  constructor(secret: string, write: (line: AuditLine) => unknown = toStdout) {
    this.#secret = secret;
    this.#write = write;
  }

  nameOf(id: string): AdminName {
    return `adm_${createHmac('sha256', this.#secret).update(id).digest('hex').slice(0, 12)}`;
  }

  /** Writes a line. Whoever keeps the lines may fail, at once or later: what was done stays done, and is told. */
  record(actor: AdminName | null, action: string, outcome: string, subject?: string): void {
    const at = new Date().toISOString();
    const line = { at, actor, action, ...(subject === undefined ? {} : { subject }), outcome };
    new Promise((written) => {
      written(this.#write(line));
    }).catch(logDefect);
  }
}

function toStdout(line: AuditLine): void {
  process.stdout.write(`${JSON.stringify({ audit: line })}\n`);
}
