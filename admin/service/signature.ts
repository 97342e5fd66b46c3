/**
 * What the Worker and the service agree on: what is signed, what counts as a change, how large a request may be. Web
 * APIs alone, so that both sides run this very code.
 *
 * The signed text is a row of length-prefixed fields: no two requests have the same one.
 */

export const headerNames = {
  signature: 'x-archiver-signature',
  timestamp: 'x-archiver-timestamp',
  nonce: 'x-archiver-nonce',
  admin: 'x-archiver-admin',
} as const;

export const defaultAudience = 'cultural-archiver-admin';

/** How far the clocks of signer and checker may be apart, in milliseconds. */
export const windowMs = 60_000;

/** The largest body of a request, in bytes: none of this API has more than a few words. */
export const largestBody = 64 * 1024;

/** Whether a method may change something. */
export function changes(method: string): boolean {
  return !['GET', 'HEAD'].includes(method);
}

export interface Signed {
  readonly audience: string;
  readonly method: string;
  /** Path with query. */
  readonly target: string;
  readonly body: Uint8Array;
  /** Milliseconds since 1970, in decimal. */
  readonly timestamp: string;
  readonly nonce: string;
  readonly admin: string;
}

const encoder = new TextEncoder();

/** The signature: `v1=` and the HMAC-SHA256 in hex. */
export async function sign(secret: string, request: Signed): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    encoder.encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(await textOf(request)));
  return `v1=${hex(mac)}`;
}

async function textOf(request: Signed): Promise<string> {
  const body = await crypto.subtle.digest('SHA-256', Uint8Array.from(request.body));
  const { audience, method, target, timestamp, nonce, admin } = request;
  return ['v1', audience, method.toUpperCase(), target, hex(body), timestamp, nonce, admin]
    .map((field) => `${encoder.encode(field).length}:${field},`)
    .join('');
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
