/** What the admin service bears: too many requests, connections that do not get to their point, a folder gone. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { root } from '../support';
import { bearer, forwarded, forwardSecret, type Headers } from '../support/admin/callers';
import { people } from '../support/admin/people';
import { serve, type Service } from '../support/admin/service';
import { surroundings } from '../support/admin/surroundings';

const environment = surroundings();

/** The variable that has Node load one of the scripts beside the service first. */
function preload(script: string): { NODE_OPTIONS: string } {
  const { href } = pathToFileURL(join(root, '__test__', 'support', 'admin', script));
  return { NODE_OPTIONS: `--import ${href}` };
}

describe('too many requests', () => {
  let service: Service;

  beforeEach(async () => {
    // However long the requests take, they are those of one minute.
    const own = { ADMIN_FORWARD_SECRET: forwardSecret, ...preload('still.mjs') };
    service = await serve(environment(own));
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
    // As the Worker signs it: no rows are read for it.
    const look = (id: string) => () =>
      ask('GET', 'jobs', forwarded({ method: 'GET', target: '/api/admin/jobs' }, id));
    const { statuses, last } = await many(1_260, look(people.roleAdmin));
    expect(statuses).toEqual({ 200: 1_200, 429: 60 });
    expectToWait(last);
    // By whatever credential: it is the person who is counted.
    expectToWait(await ask('GET', 'jobs', bearer(people.roleAdmin)));
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
    const message = expect.stringMatching(/: try again in \d+ s$/) as string;
    expect(await answer.json()).toMatchObject({ success: false, error: 'RATE_LIMITED', message });
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

describe('a connection', () => {
  let service: Service;

  beforeEach(async () => {
    service = await serve(environment(preload('impatient.mjs')));
  });

  /** Connects and sends this; `drip` then goes out again and again. What came back, and when it ended, in seconds. */
  async function connected(first: string, drip = ''): Promise<[answer: string, seconds: number]> {
    const begun = Date.now();
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.on('error', () => undefined).write(first);
    const dripping = setInterval(() => socket.write(drip), 100);
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

  it('that does not get to its point is closed after tens of seconds, here after seconds', async () => {
    const [silent, heading, sending, keptBusy] = await Promise.all([
      connected(''),
      connected(head, 'X: a\r\n'),
      connected(`${head}Content-Length: 60000\r\n\r\n`, ' '),
      usedAgainAfter(3_500),
    ]);
    // One that a proxy keeps for the next request is not: the request would meet an end.
    expect(keptBusy).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    for (const [answer, seconds] of [silent, heading, sending]) {
      expect(answer).toMatch(/^HTTP\/1.1 408 /);
      expect(seconds).toBeLessThan(10);
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

it('serves its page and makes backups with the first releases of Node 20, too', async () => {
  const { url } = await serve(environment(preload('first.mjs')));
  const page = await (await fetch(`${url}/admin/`)).text();
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page)?.[1] ?? 'none';
  expect((await fetch(`${url}/admin/${script}`)).headers.get('content-type')).toMatch(/javascript/);
  const headers = { ...bearer(people.roleAdmin), prefer: 'wait=60' };
  const made = await fetch(`${url}/api/admin/backup/generate`, { method: 'POST', headers });
  expect(await made.json()).toMatchObject({ data: { state: 'succeeded' } });
});

it('goes on when nobody reads its output any more', async () => {
  const { url, child } = await serve(environment());
  for (const stream of [child.stdout, child.stderr]) {
    stream?.destroy();
    if (stream?.closed === false) await once(stream, 'close');
  }
  // Each refusal is written down.
  for (let n = 0; n < 3; n += 1) expect((await fetch(`${url}/api/admin/jobs`)).status).toBe(401);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

it('says what to set where another one listens at its port', async () => {
  const { url } = await serve(environment());
  const second = serve(environment({ ADMIN_PORT: new URL(url).port }));
  await expect(second).rejects.toThrow(
    /exit code 1: error: cannot listen at http:\S+ \(.*EADDRINUSE.*\): .*set ADMIN_PORT/,
  );
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
