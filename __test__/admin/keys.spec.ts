/** Keys and roles that say who is an admin: they may change, and where they cannot be had nobody gets in. */

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { bearer, issuer, jwt, organization, publicKey } from '../support/admin/callers';
import { serve, type Service } from '../support/admin/service';
import { surroundings } from '../support/admin/surroundings';

const environment = surroundings();

describe('keys at a URL', () => {
  /** The key server: what it answers, and how often it was asked. */
  let answer: RequestListener;
  let asked: number;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    asked = 0;
    server = createServer((request, response) => {
      asked += 1;
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/.well-known/jwks.json`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const pairs = [1, 2].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const [first, second] = pairs as [(typeof pairs)[0], (typeof pairs)[0]];

  function keys(...listed: [kid: string, key: KeyObject][]): RequestListener {
    const jwks = listed.map(([kid, key]) => ({
      ...key.export({ format: 'jwk' }),
      kid,
      alg: 'RS256',
      use: 'sig',
    }));
    return (_, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks }));
    };
  }

  async function start(): Promise<Service> {
    return serve(
      environment({
        ADMIN_JWT_ISSUER: issuer,
        ADMIN_JWT_JWKS_URL: url,
        ADMIN_JWT_ORGANIZATION_ID: organization,
      }),
    );
  }

  async function status(service: Service, token: string): Promise<[number, string | undefined]> {
    const response = await fetch(`${service.url}/api/admin/jobs`, { headers: bearer(token) });
    return [response.status, ((await response.json()) as { error?: string }).error];
  }

  it('are fetched once, and again when they have changed', async () => {
    answer = keys(['one', first.publicKey]);
    const service = await start();
    const tokens = Array.from({ length: 20 }, () => jwt({}, first.privateKey, 'one'));
    expect(await Promise.all(tokens.map((token) => status(service, token)))).toEqual(
      tokens.map(() => [200, undefined]),
    );
    expect(asked).toBe(1);
    expect(await status(service, jwt({}, second.privateKey, 'one'))).toEqual([401, 'UNAUTHORIZED']);

    await service.stop();
    answer = keys(['two', second.publicKey]);
    const restarted = await start();
    expect(await status(restarted, jwt({}, second.privateKey, 'two'))).toEqual([200, undefined]);
    expect(await status(restarted, jwt({}, first.privateKey, 'one'))).toEqual([
      401,
      'UNAUTHORIZED',
    ]);
  });

  it('are not asked for again and again because of tokens that name others', async () => {
    answer = keys(['one', first.publicKey]);
    const service = await start();
    expect(await status(service, jwt({}, first.privateKey, 'one'))).toEqual([200, undefined]);
    for (let nth = 0; nth < 50; nth += 1) {
      const token = jwt({}, second.privateKey, `invented-${String(nth)}`);
      expect(await status(service, token)).toEqual([401, 'UNAUTHORIZED']);
    }
    expect(asked).toBeLessThanOrEqual(2);
  });

  it.each<[string, RequestListener]>([
    ['an error', (_, response) => response.writeHead(500).end('down')],
    ['a page', (_, response) => response.end('<html>Be right back</html>')],
    ['something else in JSON', (_, response) => response.end('{"message":"Too many requests"}')],
    ['no answer', (request) => request.socket.destroy()],
  ])('that answer with %s let nobody in, and say why, until they are back', async (_, broken) => {
    answer = broken;
    const service = await start();
    const token = jwt({}, first.privateKey, 'one');
    expect(await status(service, token)).toEqual([503, 'AUTH_UNAVAILABLE']);
    expect(service.output()).not.toContain(token);
    answer = keys(['one', first.publicKey]);
    expect(await status(service, token)).toEqual([200, undefined]);
  });
});

it.each<[string, object]>([
  ['a failure', { success: false, result: [{ success: true, results: [] }] }],
  ['a statement that failed', { success: true, result: [{ success: false, results: [] }] }],
  ['no statement', { success: true, result: [] }],
  ['no rows', { success: true, result: [{ success: true }] }],
])(
  'roles at Cloudflare that answer with %s ban nobody, so that nobody gets in',
  async (_, answer) => {
    const d1 = createServer((_, response) => response.end(JSON.stringify(answer)));
    await once(d1.listen(0, '127.0.0.1'), 'listening');
    try {
      const env = environment({
        ADMIN_JWT_ISSUER: issuer,
        ADMIN_JWT_KEY: publicKey,
        ADMIN_JWT_ORGANIZATION_ID: organization,
        CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${String((d1.address() as AddressInfo).port)}`,
        CLOUDFLARE_ACCOUNT_ID: 'account',
        D1_DATABASE_ID: randomUUID(),
        CLOUDFLARE_API_TOKEN: 'token',
        SOURCE_DATABASE_FILE: '',
      });
      const response = await fetch(`${(await serve(env)).url}/api/admin/jobs`, {
        headers: bearer(jwt()),
      });
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ error: 'AUTH_UNAVAILABLE' });
    } finally {
      d1.closeAllConnections();
      d1.close();
    }
  },
);
