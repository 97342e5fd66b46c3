/** Requests that the platform's Worker signed on behalf of an admin. */

import { timingSafeEqual } from 'node:crypto';

import { unauthorized } from '../envelope.js';
import type { ForwardedAuth } from '../options.js';
import { changes, defaultAudience, headerNames, sign, windowMs } from '../signature.js';
import type { Asked, CallerId } from './caller.js';
import type { Nonces } from './nonces.js';

const bounds = { timestamp: /^\d{13}$/, nonce: /^[\w-]{16,128}$/, admin: /^[\x21-\x7e]{1,256}$/ };

export class Forwarded {
  constructor(
    private readonly options: ForwardedAuth,
    private readonly nonces: Nonces,
  ) {}

  static claims(headers: Headers): boolean {
    return headers.has(headerNames.signature);
  }

  async verify({ method, target, headers, body }: Asked): Promise<CallerId> {
    const { secret, audience = defaultAudience } = this.options;
    const timestamp = headers.get(headerNames.timestamp) ?? '';
    const nonce = headers.get(headerNames.nonce) ?? '';
    const admin = headers.get(headerNames.admin) ?? '';
    const wellFormed =
      bounds.timestamp.test(timestamp) && bounds.nonce.test(nonce) && bounds.admin.test(admin);
    if (!wellFormed || Math.abs(Date.now() - Number(timestamp)) > windowMs) throw refused();

    const signed = { audience, method, target, body, timestamp, nonce, admin };
    const expected = Buffer.from(await sign(secret, signed));
    const given = Buffer.from(headers.get(headerNames.signature) ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refused();
    if (changes(method) && !(await this.nonces.spend(nonce))) throw refused();
    return admin;
  }
}

/** One answer for every defect of a signature: it teaches nothing. */
function refused(): Error {
  return unauthorized('The signature is not valid');
}
