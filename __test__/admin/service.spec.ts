/** What the admin service bears: too many requests, keys that change or cannot be had, readers of a job's events. */

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { folder, removeFolders, root } from '../support';
import {
  bearer,
  forwarded,
  forwardSecret,
  type Headers,
  issuer,
  jwt,
  organization,
  panelOrigin,
  publicKey,
} from '../support/admin/callers';
import { Client, type Job } from '../support/admin/client';
import { newestGeneration, people } from '../support/admin/people';
import { serve, type Service, serveStandIn, stopServices } from '../support/admin/service';

let base: string;
let database: string;

beforeAll(() => {
  base = folder();
  database = newestGeneration(base);
});

afterEach(async () => {
  await stopServices();
});

afterAll(removeFolders);

function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = join(base, randomUUID());
  return {
    SOURCE_DATABASE_FILE: database,
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_ORIGINS: panelOrigin,
    ADMIN_STATE_DIR: join(own, 'state'),
    BACKUP_OUTPUT_DIR: join(own, 'backups'),
    DUMPS_DIR: join(own, 'public'),
    ...more,
  };
}

describe('too many requests', () => {
  let service: Service;

  beforeEach(async () => {
    service = await serve(environment({ ADMIN_FORWARD_SECRET: forwardSecret }));
  });

  async function ask(method: string, path: string, headers: Headers = {}): Promise<Response> {
    const response = await fetch(`${service.url}/api/admin/${path}`, { method, headers });
    await response.arrayBuffer();
    return response;
  }

  /** How the answers to so many requests were, 20 at a time. */
  async function many(
    count: number,
    request: () => Promise<Response>,
  ): Promise<{ statuses: Record<number, number>; last: Response | undefined }> {
    const statuses: Record<number, number> = {};
    let last: Response | undefined;
    for (let sent = 0; sent < count; sent += 20) {
      const answers = await Promise.all(
        Array.from({ length: Math.min(20, count - sent) }, () => request()),
      );
      for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
      last = answers.at(-1);
    }
    return { statuses, last };
  }

  function expectToWait(answer: Response | undefined): void {
    expect(answer?.status).toBe(429);
    const seconds = Number(answer?.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(60);
  }

  it('of one admin are 1,200 a minute, and another admin does not notice', async () => {
    const look = (id: string) => () => ask('GET', 'jobs', bearer(id));
    const { statuses, last } = await many(1_260, look(people.roleAdmin));
    expect(statuses).toEqual({ 200: 1_200, 429: 60 });
    expectToWait(last);
    // By whatever credential: it is the person who is counted.
    expectToWait(await ask('GET', 'jobs', { 'x-user-token': people.roleAdmin }));
    expect((await look(people.permissionAdmin)()).status).toBe(200);
  });

  it('that change something are 60 a minute, and looking goes on', async () => {
    const change = (): Promise<Response> =>
      ask('DELETE', `jobs/${randomUUID()}`, bearer(people.roleAdmin));
    const { statuses, last } = await many(80, change);
    expect(statuses).toEqual({ 404: 60, 429: 20 });
    expectToWait(last);
    expect((await ask('GET', 'jobs', bearer(people.roleAdmin))).status).toBe(200);
  });

  it('that nobody lets in are 600 a minute from one address', async () => {
    const { statuses, last } = await many(640, () => ask('GET', 'jobs'));
    expect(statuses).toEqual({ 401: 600, 429: 40 });
    expectToWait(last);
    const answer = await fetch(`${service.url}/api/admin/jobs`);
    expect(await answer.json()).toMatchObject({ success: false, error: 'RATE_LIMITED' });
    // Whoever might be guessing tokens waits; what the Worker has signed is no guess.
    expectToWait(await ask('GET', 'jobs', bearer(people.roleAdmin)));
    const request = { method: 'GET', target: '/api/admin/jobs' };
    expect((await ask('GET', 'jobs', forwarded(request, people.roleAdmin))).status).toBe(200);
    // The first of those that are too many is written down, and none of the others.
    const lines = (outcome: string): number =>
      service.output().split(`"action":"refused","outcome":"${outcome}"`).length - 1;
    expect([lines('UNAUTHORIZED'), lines('RATE_LIMITED')]).toEqual([600, 1]);
  });
});

it('says that its state folder cannot be used when somebody has removed it', async () => {
  const env = environment({ ADMIN_FORWARD_SECRET: forwardSecret });
  const service = await serve(env);
  rmSync(env['ADMIN_STATE_DIR'] ?? '', { recursive: true });
  const target = `/api/admin/jobs/${randomUUID()}`;
  const headers = forwarded({ method: 'DELETE', target }, people.roleAdmin);
  const answer = await fetch(service.url + target, { method: 'DELETE', headers });
  expect([answer.status, await answer.json()]).toEqual([
    503,
    expect.objectContaining({ error: 'STATE_UNWRITABLE' }),
  ]);
});

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

describe("a job's events", () => {
  const watchers = join(root, '__test__', 'support', 'admin', 'watchers.mjs');

  async function saidBy(service: Service, words: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = words.exec(service.output());
      if (found !== null) return found;
      await sleep(20);
    }
  }

  async function started(ms: number, more: Readonly<Record<string, string>> = {}): Promise<Client> {
    const plan = join(base, `plan-${randomUUID()}.json`);
    writeFileSync(plan, JSON.stringify({ ms }));
    const service = await serveStandIn(environment({ STAND_IN_PLAN: plan, ...more }));
    return new Client(service, people.roleAdmin);
  }

  interface Told {
    readonly type: string | null;
    readonly text: string;
    readonly jobs: Job[];
  }

  /** Reads a stream to its end. */
  async function listen(client: Client, id: string): Promise<Told> {
    const url = `${client.service.url}/api/admin/jobs/${id}/events`;
    const response = await fetch(url, { headers: bearer(people.permissionAdmin) });
    const text = await response.text();
    const frames = text.split('\n\n').filter((frame) => frame.startsWith('event: job\n'));
    const jobs = frames.map((frame) => JSON.parse(frame.replace('event: job\ndata: ', '')) as Job);
    return { type: response.headers.get('content-type'), text, jobs };
  }

  it('tell how far it is and end with how it ended, to everybody who listens', async () => {
    const client = await started(1_500);
    const { data } = await client.generate();
    const listeners = await Promise.all([1, 2, 3].map(() => listen(client, data.job_id)));
    for (const { type, text, jobs } of listeners) {
      expect(type).toContain('text/event-stream');
      expect(jobs.length).toBeGreaterThan(3);
      expect(jobs.slice(0, -1).every(({ state }) => state === 'running')).toBe(true);
      for (const phase of new Set(jobs.map(({ progress }) => progress?.phase))) {
        const of = jobs.filter(({ progress }) => progress?.phase === phase);
        const bytes = of.map(({ progress }) => progress?.bytes ?? 0);
        expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      }
      expect(jobs.at(-1)).toEqual(await client.job(data.job_id));
      for (const id of Object.values(people)) expect(text).not.toContain(id);
    }
    // Who comes late hears the end at once.
    const { jobs } = await listen(client, data.job_id);
    expect(jobs.map(({ state }) => state)).toEqual([(await client.job(data.job_id)).state]);
  });

  it('end when it is cancelled', async () => {
    const client = await started(20_000);
    const { data } = await client.generate();
    const listening = listen(client, data.job_id);
    await client.until(data.job_id, ({ progress }) => progress !== null);
    expect((await client.ask('DELETE', `jobs/${data.job_id}`)).status).toBeLessThan(300);
    expect((await listening).jobs.at(-1)?.state).toBe('cancelled');
  });

  // The signal that asks for the count is one of POSIX.
  (process.platform === 'win32' ? it.skip : it)(
    'leave nobody behind who only asked for their head',
    async () => {
      const client = await started(20_000, { NODE_OPTIONS: `--import=${watchers}` });
      const { data } = await client.generate();
      const url = `${client.service.url}/api/admin/jobs/${data.job_id}/events`;
      for (let times = 0; times < 10; times += 1) {
        const head = await fetch(url, { method: 'HEAD', headers: bearer(people.roleAdmin) });
        expect(head.status).toBe(200);
        expect(head.headers.get('content-type')).toContain('text/event-stream');
      }
      client.service.child.kill('SIGUSR2');
      const said = await saidBy(client.service, /"watchers":(\d+)/);
      expect(said[1]).toBe('0');
    },
  );

  it('do not hold up a service that is told to stop', async () => {
    const client = await started(20_000);
    const { data } = await client.generate();
    const listening = listen(client, data.job_id).catch(() => undefined);
    await client.until(data.job_id, ({ progress }) => progress !== null);
    expect(await client.service.stop('SIGTERM')).toBe(0);
    await listening;
  });
});

describe('a connection', () => {
  let service: Service;

  beforeEach(async () => {
    service = await serve(environment());
  });

  /** Connects and sends this; `drip` then goes out each second. What came back, and when it ended, in seconds. */
  async function connected(first: string, drip = ''): Promise<[answer: string, seconds: number]> {
    const begun = Date.now();
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.on('error', () => undefined).write(first);
    const dripping = setInterval(() => socket.write(drip), 1000);
    const answer = await text(socket).finally(() => {
      clearInterval(dripping);
    });
    return [answer, (Date.now() - begun) / 1000];
  }

  /** The answers to two requests on one connection. */
  async function usedAgainAfter(ms: number): Promise<string[]> {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    const answers = text(socket.on('error', () => undefined));
    const ask = (last: string): void => {
      socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\n${last}\r\n`);
    };
    ask('');
    await sleep(ms);
    ask('Connection: close\r\n');
    return (await answers).match(/HTTP\/1\.1 \d+/g) ?? [];
  }

  const head = `POST /api/admin/backup/generate HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${people.roleAdmin}\r\n`;

  it('that does not get to its point is closed after seconds, not minutes', async () => {
    const [silent, heading, sending, keptBusy] = await Promise.all([
      connected(''),
      connected(head, 'X: a\r\n'),
      connected(`${head}Content-Length: 60000\r\n\r\n`, ' '),
      usedAgainAfter(35_000),
    ]);
    // One that a proxy keeps for the next request is not: the request would meet an end.
    expect(keptBusy).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    for (const [answer, seconds] of [silent, heading, sending]) {
      expect(answer).toMatch(/^HTTP\/1.1 408 /);
      expect(seconds).toBeLessThan(40);
    }
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it('that breaks off in the middle of a body is no defect of the service', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.end(`${head}Content-Length: 60000\r\n\r\n{`);
    await once(socket.resume(), 'close');
    while (!service.output().includes('refused')) await sleep(50);
    expect(service.output()).toContain('"outcome":"VALIDATION_ERROR"');
    expect(service.output()).not.toContain('INTERNAL_ERROR');
  });
});
