/**
 * The Worker's side: forwards a request of an admin, whom the platform's own middleware has let through, to the
 * service. Web APIs alone.
 */

import { changes, defaultAudience, headerNames, largestBody, sign } from './signature.js';
import type { Signed } from './signature.js';

export interface ForwardOptions {
  /** Where the service is, such as `https://dumps.example.org`. */
  readonly serviceUrl: string;
  /** Shared with the service: its `ADMIN_FORWARD_SECRET`. */
  readonly secret: string;
  /** The id of the admin, once it is known that it is one; nothing for anybody else. */
  readonly adminId: string | null | undefined;
  /** Origins of pages that may change something. */
  readonly origins: readonly string[];
  /** The service's `ADMIN_FORWARD_AUDIENCE`. Default `cultural-archiver-admin`. */
  readonly audience?: string;
  /** Default: the global one. A service binding's goes here. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Headers of the caller that reach the service. Cookies and credentials do not. */
const passed = ['accept', 'content-type', 'prefer'];

/**
 * Signs and forwards a request, and streams the answer back, without cookies.
 *
 *     app.all('/api/admin/*', requireAdmin, (c) =>
 *       forwardToAdminService(c.req.raw, { serviceUrl, secret, origins, adminId: c.get('userToken') }));
 */
export async function forwardToAdminService(
  request: Request,
  options: ForwardOptions,
): Promise<Response> {
  const { adminId, serviceUrl, secret } = options;
  if (adminId === null || adminId === undefined || adminId === '') {
    return refuse(401, 'UNAUTHORIZED', 'Authentication is required');
  }
  const { pathname, search } = new URL(request.url);
  if (!pathname.startsWith('/api/admin/'))
    return refuse(404, 'NOT_FOUND', 'There is no such route');
  const refusal = changes(request.method) ? refusalOf(request, options.origins) : undefined;
  if (refusal !== undefined) return refusal;
  // A secret that was never put there is no text at all, whatever its type says.
  if (!secret)
    return refused('The Worker has nothing to sign with: give it the secret of the service');

  const isLong = Number(request.headers.get('content-length') ?? 0) > largestBody;
  const body = isLong ? new Uint8Array() : new Uint8Array(await request.arrayBuffer());
  if (isLong || body.length > largestBody) {
    return refuse(413, 'PAYLOAD_TOO_LARGE', 'The request is too large');
  }
  const target = pathname + search;
  const headers = await signatureOf(
    { method: request.method, target, body, admin: adminId },
    options,
  );
  for (const name of passed) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const send = options.fetch ?? ((forwarded: Request) => fetch(forwarded));
  try {
    const answer = await send(
      new Request(new URL(target, serviceUrl), {
        method: request.method,
        headers,
        redirect: 'manual',
        ...(body.length > 0 ? { body } : {}),
      }),
    );
    const instead = refusalFor(answer);
    if (instead === undefined) return withoutCookies(answer);
    await answer.body?.cancel();
    return instead;
  } catch {
    return unreachable('The admin service does not answer');
  }
}

/** A proxy in front of the service may set some: here they would be the platform's, whose own say who somebody is. */
function withoutCookies(answer: Response): Response {
  if (!answer.headers.has('set-cookie')) return answer;
  const clean = new Response(answer.body, answer);
  clean.headers.delete('set-cookie');
  return clean;
}

/** What is said in place of an answer that is not the service's, or not the caller's fault. */
function refusalFor({ status, headers }: Response): Response | undefined {
  if (isSomethingElse(status, headers.get('content-type') ?? '')) {
    return unreachable(
      `Something else than the admin service answers with status ${status}: check where the Worker looks for it, and ` +
        'what stands in front of it',
    );
  }
  if (status !== 401) return undefined;
  // The caller is signed in: told so, it would sign in again and again.
  return refused(
    'The admin service does not accept what the Worker signs: secret and audience have to be the same on both ' +
      'sides, and the clock of the service right',
  );
}

/** Whether a proxy, a login, the edge or another site has answered: they redirect, or send a page. */
function isSomethingElse(status: number, type: string): boolean {
  const isRedirect = status >= 300 && status < 400;
  const isBare = status >= 500 && !type.startsWith('application/json');
  return isRedirect || isBare || type.startsWith('text/html');
}

function refused(message: string): Response {
  return refuse(502, 'SERVICE_REFUSED', message);
}

function unreachable(message: string): Response {
  return refuse(502, 'SERVICE_UNREACHABLE', message);
}

async function signatureOf(
  request: Pick<Signed, 'method' | 'target' | 'body' | 'admin'>,
  { secret, audience = defaultAudience }: ForwardOptions,
): Promise<Headers> {
  const timestamp = String(Date.now());
  const nonce = crypto.randomUUID();
  return new Headers({
    [headerNames.signature]: await sign(secret, { ...request, audience, timestamp, nonce }),
    [headerNames.timestamp]: timestamp,
    [headerNames.nonce]: nonce,
    [headerNames.admin]: request.admin,
  });
}

/**
 * A browser sends cookies with a request that another site has made it send, but neither of these headers; and it
 * says which site that was.
 */
function refusalOf({ headers }: Request, origins: readonly string[]): Response | undefined {
  if (!headers.has('authorization') && !headers.has('x-user-token')) {
    return refuse(401, 'UNAUTHORIZED', 'A cookie is not enough to change something');
  }
  const origin = headers.get('origin');
  if (origin !== null && !origins.includes(origin)) {
    const message =
      'No page of this origin may change anything: `origins` of the Worker names those that may';
    return refuse(403, 'FORBIDDEN', message);
  }
  return undefined;
}

function refuse(status: number, error: string, message: string): Response {
  const body = { success: false, error, message, timestamp: new Date().toISOString() };
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } });
}
