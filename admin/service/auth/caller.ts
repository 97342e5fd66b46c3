/** Who asks. */

import { timingSafeEqual, createHash } from 'node:crypto';

import type { AuthOptions } from '../options.js';
import { forbidden, unauthorized } from '../envelope.js';
import { Forwarded } from './forwarded.js';
import { Jwt } from './jwt.js';
import type { Nonces } from './nonces.js';
import { PlatformRows } from './rows.js';

/** A request as authentication sees it. */
export interface Asked {
  readonly method: string;
  /** Path with query, as it was asked for. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The platform's id of a caller: a credential. It lives as long as the request and is written nowhere. */
export type CallerId = string;

/** Lets admins in, by every way that is configured. */
export class Doorkeeper {
  readonly #forwarded: Forwarded | undefined;
  readonly #jwt: Jwt | undefined;
  readonly #rows: PlatformRows | undefined;
  readonly #oneTimeToken: Buffer | undefined;

  constructor(auth: AuthOptions, origins: readonly string[], nonces: Nonces) {
    this.#forwarded = auth.forwarded && new Forwarded(auth.forwarded, nonces);
    this.#jwt = auth.jwt && new Jwt(auth.jwt, origins);
    this.#rows = auth.rows && new PlatformRows(auth.rows);
    this.#oneTimeToken = auth.oneTimeToken === undefined ? undefined : digest(auth.oneTimeToken);
  }

  /** The admin behind a request; anybody else is a 401 or 403. `spend` is told before a look-up costs anything. */
  async admin(asked: Asked, spend: () => void): Promise<CallerId> {
    if (this.#forwarded !== undefined && Forwarded.claims(asked.headers)) {
      return this.#forwarded.verify(asked);
    }
    const token = tokenOf(asked.headers);
    if (token === undefined) throw unauthorized();
    if (this.#oneTimeToken !== undefined && timingSafeEqual(digest(token), this.#oneTimeToken)) {
      return 'one-time-token';
    }
    if (this.#jwt !== undefined && Jwt.claims(token)) {
      const { subject, isOrganizationAdmin } = await this.#jwt.verify(token);
      if (!(await this.#isAdmin(subject, isOrganizationAdmin))) throw forbidden();
      return subject;
    }
    if (this.#rows?.takesTokens !== true || Jwt.claims(token)) throw unauthorized();
    spend();
    if (!(await this.#rows.isAdmin(token, 'token'))) throw forbidden();
    return token;
  }

  /** The rows make an admin of whom the claims do not, and ban whom the claims let in. */
  async #isAdmin(subject: CallerId, byClaims: boolean): Promise<boolean> {
    if (this.#rows === undefined) return byClaims;
    if (!byClaims) return this.#rows.isAdmin(subject, 'subject');
    return (await this.#rows.standingOf(subject, 'subject')) !== 'banned';
  }
}

/** The credential of a request. A cookie is none: browsers send it without being asked. */
function tokenOf(headers: Headers): string | undefined {
  const bearer = /^Bearer +(\S{1,8192})$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? /^\S{1,256}$/.exec(headers.get('x-user-token') ?? '')?.[0];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
