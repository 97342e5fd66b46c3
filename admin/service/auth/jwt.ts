/** Bearer tokens of Clerk. */

import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose';

import { isHttp } from '../checks.js';
import { Problem, unauthorized } from '../envelope.js';
import { ConfigurationError } from '../options.js';
import type { JwtAuth } from '../options.js';

/** Clerk signs with nothing else, so nothing else is let in. */
const algorithm = 'RS256';

export interface Verified {
  /** The person: Clerk's id. */
  readonly subject: string;
  /** Whether the token says admin of the configured organisation. */
  readonly isOrganizationAdmin: boolean;
}

export class Jwt {
  readonly #key: JWTVerifyGetKey;
  readonly #parties: readonly string[];

  constructor(
    private readonly options: JwtAuth,
    origins: readonly string[],
  ) {
    this.#key = keyOf(options);
    this.#parties = options.authorizedParties ?? origins;
  }

  /** Whether it looks like a JWT; the platform's own tokens have no dots. */
  static claims(token: string): boolean {
    return token.split('.').length === 3;
  }

  async verify(token: string): Promise<Verified> {
    const payload = await this.#payload(token);
    const { sub, azp } = payload;
    if (sub === undefined || sub === '' || payload['sts'] === 'pending') throw refused();
    if (typeof azp !== 'string' || !this.#parties.includes(azp)) throw refused();
    const organization = this.options.organizationId;
    return {
      subject: sub,
      isOrganizationAdmin: organization !== undefined && isAdminOf(organization, payload),
    };
  }

  async #payload(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        issuer: this.options.issuer,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: 5,
      });
      return payload;
    } catch (error) {
      // Whether it is the token that is at fault, not the keys.
      const isTokens =
        error instanceof errors.JOSEError &&
        !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) &&
        error.code !== 'ERR_JOSE_GENERIC';
      if (isTokens) throw refused();
      throw new Problem(
        503,
        'AUTH_UNAVAILABLE',
        'The keys that tokens are checked with cannot be read',
        { cause: error },
      );
    }
  }
}

/** Clerk writes the active organisation in two forms: `o` in version 2 of its tokens, flat claims before. */
function isAdminOf(organization: string, claims: JWTPayload): boolean {
  const flat = claims['org_id'] === organization && claims['org_role'] === 'org:admin';
  const o = claims['o'];
  if (typeof o !== 'object' || o === null) return flat;
  const { id, rol } = o as { id?: unknown; rol?: unknown };
  return flat || (id === organization && (rol === 'admin' || rol === 'org:admin'));
}

function keyOf({ key, jwksUrl }: JwtAuth): JWTVerifyGetKey {
  if ((key === undefined) === (jwksUrl === undefined)) {
    throw new ConfigurationError('tokens need exactly one of ADMIN_JWT_KEY and ADMIN_JWT_JWKS_URL');
  }
  try {
    if (jwksUrl !== undefined) return createRemoteJWKSet(urlOf(jwksUrl));
    const text = (key ?? '').trim();
    if (text.startsWith('{')) return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    // Where variables are lines of a file, as Docker has them, a PEM is written in one.
    const one = createPublicKey(text.replaceAll('\\n', '\n'));
    if (one.asymmetricKeyType !== 'rsa') throw new TypeError(`it is ${one.asymmetricKeyType}`);
    return () => one;
  } catch (error) {
    throw new ConfigurationError(
      'the key that tokens are checked with is no RSA key in PEM, no JWKS and no URL of one: see ADMIN_JWT_KEY and ' +
        'ADMIN_JWT_JWKS_URL',
      { cause: error },
    );
  }
}

function urlOf(text: string): URL {
  if (!isHttp(text)) throw new TypeError('it is no URL of a web server');
  return new URL(text);
}

function refused(): Error {
  return unauthorized('The token is not valid');
}
