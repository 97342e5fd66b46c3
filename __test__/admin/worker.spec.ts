/** The Worker's side in real workerd: it forwards an admin, signed, and refuses everybody else. */

import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

import { folder, removeFolders, root } from '../support';
import { forwardSecret, panelOrigin } from '../support/admin/callers';
import { newestGeneration, people } from '../support/admin/people';
import { serve, type Service, stopServices } from '../support/admin/service';

/** A platform in small: a token says who it is, and what the middleware found out stands in the context. */
const platform = `
  import { Hono } from 'hono';
  import { forwardToAdminService } from ${JSON.stringify(join(root, 'dist', 'admin', 'worker.js'))};

  const app = new Hono();
  app.use('/api/admin/*', async (c, next) => {
    const cookie = /user_token=([^;]+)/.exec(c.req.header('cookie') ?? '')?.[1];
    const token = c.req.header('x-user-token') ?? cookie;
    c.set('admin', token === '${people.roleAdmin}' ? token : undefined);
    await next();
  });
  app.all('/api/admin/*', (c) =>
    forwardToAdminService(c.req.raw, {
      serviceUrl: c.env.SERVICE_URL,
      secret: c.env.SECRET,
      origins: ['${panelOrigin}'],
      adminId: c.get('admin'),
    }));
  export default app;
`;

const page = { 'content-type': 'text/html; charset=utf-8' };
/** What stands in front of the service, or in its place, and how it answers. */
const others: Readonly<Record<string, [status: number, headers: OutgoingHttpHeaders]>> = {
  'an-edge-that-finds-it-down': [521, page],
  'a-proxy-that-finds-it-down': [502, {}],
  'a-server-that-wants-https': [301, { location: 'https://elsewhere.example/' }],
  'a-login': [302, { location: 'https://elsewhere.example/login' }],
  'a-login-of-a-proxy': [401, { ...page, 'www-authenticate': 'Basic' }],
  'a-firewall': [403, page],
  'another-site': [200, page],
};

const balancer = { 'content-type': 'application/json', 'set-cookie': 'user_token=x; Path=/' };

let script: string;
let service: Service;
let worker: Miniflare;
const workers: Miniflare[] = [];
let recorder: Server;
let seen: IncomingHttpHeaders | undefined;
const asked: string[] = [];

beforeAll(async () => {
  script = await bundle();
  const base = folder();
  service = await serve({
    SOURCE_DATABASE_FILE: newestGeneration(base),
    ADMIN_FORWARD_SECRET: forwardSecret,
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    DUMPS_DIR: join(base, 'public'),
  });
  worker = workerFor(service.url);
  recorder = createServer((request, response) => {
    seen = request.headers;
    asked.push(request.url ?? '');
    const [status, headers] = others[(request.url ?? '').slice('/api/admin/'.length)] ?? [200, {}];
    response.writeHead(status, headers).end('{}');
  });
  await once(recorder.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  // Also of a test that failed: jest would wait for them.
  await Promise.all(workers.map((other) => other.dispose()));
  recorder.close();
  await stopServices();
  removeFolders();
});

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: platform, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  });
  return outputFiles[0]?.text ?? '';
}

function workerFor(serviceUrl: string, secret: string | null = forwardSecret): Miniflare {
  const made = new Miniflare({
    modules: true,
    script,
    compatibilityDate: '2026-01-01',
    bindings: { SERVICE_URL: serviceUrl, ...(secret !== null && { SECRET: secret }) },
  });
  workers.push(made);
  return made;
}

async function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
  at = worker,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await at.dispatchFetch(`https://platform.example${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const admin = { 'x-user-token': people.roleAdmin };

it('forwards an admin who looks, and one who changes something', async () => {
  const list = await ask('GET', '/api/admin/data-dumps?page=1&limit=5', admin);
  expect(list).toMatchObject({ status: 200, body: { success: true, data: { limit: 5 } } });
  const same = await ask('GET', '/api/admin/data-dumps?page=1&limit=5', admin);
  expect(same.status).toBe(200);
  const change = { ...admin, origin: panelOrigin, prefer: 'wait=30' };
  const made = await ask('POST', '/api/admin/backup/generate', change, '{}');
  expect(made).toMatchObject({
    status: 200,
    body: { data: { kind: 'backup', state: 'succeeded' } },
  });
});

it.each<[string, number, Record<string, string>]>([
  ['nobody', 401, {}],
  ['a user', 401, { 'x-user-token': people.user }],
  ['an admin by cookie alone', 401, { cookie: `user_token=${people.roleAdmin}` }],
  ['an admin on a page of another origin', 403, { ...admin, origin: 'https://elsewhere.example' }],
  ['an admin on a page without an origin', 403, { ...admin, origin: 'null' }],
])('lets %s change nothing', async (_, status, headers) => {
  const answer = await ask('POST', '/api/admin/data-dump/generate', headers, '{}');
  expect(answer).toMatchObject({ status, body: { success: false } });
  expect(JSON.stringify(answer)).not.toContain(people.roleAdmin);
});

it('sends neither cookies nor credentials on', async () => {
  const { port } = recorder.address() as AddressInfo;
  const other = workerFor(`http://127.0.0.1:${port}`);
  await ask(
    'GET',
    '/api/admin/backups',
    { ...admin, cookie: 'a=b', authorization: 'Bearer x' },
    undefined,
    other,
  );
  expect(Object.keys(seen ?? {})).not.toEqual(expect.arrayContaining(['cookie']));
  expect(seen?.authorization).toBeUndefined();
  expect(seen?.['x-user-token']).toBeUndefined();
  expect(seen?.['x-archiver-signature']).toMatch(/^v1=[0-9a-f]{64}$/);
});

it('sends nothing on that is too large, whether its length is told or not', async () => {
  const { port } = recorder.address() as AddressInfo;
  const other = workerFor(`http://127.0.0.1:${port}`);
  asked.length = 0;
  const url = 'https://platform.example/api/admin/data-dump/generate';
  for (const body of ['x'.repeat(70_000), new Blob(['x'.repeat(70_000)]).stream()]) {
    const answer = await other.dispatchFetch(url, {
      method: 'POST',
      headers: admin,
      body,
      duplex: 'half',
    });
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ error: 'PAYLOAD_TOO_LARGE' }),
    ]);
  }
  expect(asked).toEqual([]);
});

it.each(Object.entries(others))(
  'says that something else answers where it is %s, and follows nobody',
  async (name, [status]) => {
    const { port } = recorder.address() as AddressInfo;
    const other = workerFor(`http://127.0.0.1:${port}`);
    asked.length = 0;
    const answer = await other.dispatchFetch(`https://platform.example/api/admin/${name}`, {
      headers: admin,
      redirect: 'manual',
    });
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({
      error: 'SERVICE_UNREACHABLE',
      message: expect.stringContaining(`answers with status ${status}`) as string,
    });
    expect(asked).toEqual([`/api/admin/${name}`]);
  },
);

it.each([
  ['as text', 200, { 'content-type': 'text/csv' }],
  ['with nothing', 204, {}],
  ['with a refusal of its own', 409, { 'content-type': 'text/plain' }],
  // It would be kept as one of the platform, whose own says who somebody is.
  ['with a cookie of what stands in front of it, which is left out', 200, balancer],
])('hands on what a route beside the service answers %s', async (_, status, headers) => {
  const beside = createServer((_request, response) => response.writeHead(status, headers).end());
  await once(beside.listen(0, '127.0.0.1'), 'listening');
  const { port } = beside.address() as AddressInfo;
  const other = workerFor(`http://127.0.0.1:${port}`);
  const url = 'https://platform.example/api/admin/own';
  const answer = await other.dispatchFetch(url, { headers: admin });
  await answer.arrayBuffer();
  beside.close();
  expect(answer.status).toBe(status);
  expect(answer.headers.getSetCookie()).toEqual([]);
});

it('says so when its secret is another or none, refuses what is too large, and says when nobody answers', async () => {
  const stranger = workerFor(service.url, 'another-secret-of-many-characters-000');
  // An admin who is signed in is not told to sign in.
  expect(await ask('GET', '/api/admin/backups', admin, undefined, stranger)).toMatchObject({
    status: 502,
    body: { error: 'SERVICE_REFUSED' },
  });
  const unset = workerFor(service.url, null);
  expect(await ask('GET', '/api/admin/backups', admin, undefined, unset)).toMatchObject({
    status: 502,
    body: { message: expect.stringContaining('nothing to sign with') as string },
  });
  const large = await ask('POST', '/api/admin/data-dump/generate', admin, 'x'.repeat(70_000));
  expect(large.status).toBe(413);
  const lonely = workerFor('http://127.0.0.1:1');
  expect(await ask('GET', '/api/admin/backups', admin, undefined, lonely)).toMatchObject({
    status: 502,
    body: { error: 'SERVICE_UNREACHABLE' },
  });
});
