/** The service as part of somebody's own app. */

import { folder, removeFolders } from '../support';
import { emptyService, evaluate } from '../support/evaluate';

afterEach(removeFolders);

it('keeps its headers to what is its own', () => {
  const script = `
    const { Hono } = await import('hono');
    ${emptyService(folder(), 'onAudit: () => undefined')}
    const host = new Hono().route('/', app).get('/theirs', (context) => context.text('theirs'));
    const guarded = [];
    for (const at of [host, app]) {
      for (const path of ['/admin', '/admin/', '/admin/none', '/api/admin/jobs', '/healthz', '/public-data-dumps/none', '/theirs']) {
        const { status, headers } = await at.request(path);
        guarded.push(headers.has('content-security-policy') ? status : path);
      }
    }
    return guarded;`;
  const own = [308, 200, 404, 401, 200, 404];
  expect(evaluate('createAdminApp', 'admin/index.js', script)).toEqual([
    ...[...own, '/theirs'],
    // Alone it answers for all.
    ...[...own, 404],
  ]);
});

it('refuses a request whose body the host has read, which would be another without it', () => {
  const script = `
    const { once } = await import('node:events');
    const { createServer } = await import('node:http');
    const { getRequestListener } = await import('@hono/node-server');
    const { Hono } = await import('hono');
    process.stderr.write = () => true;
    ${emptyService(folder(), 'onAudit: () => undefined')}
    const listener = getRequestListener(app.fetch);
    const server = createServer(async (request, response) => {
      const kept = [];
      if (request.headers['x-read'] !== undefined) for await (const chunk of request) kept.push(chunk);
      if (request.headers['x-read'] === 'bytes') request.rawBody = Buffer.concat(kept);
      if (request.headers['x-read'] === 'text') request.rawBody = String(Buffer.concat(kept));
      void listener(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = new Hono();
    host.use(async (context, next) => {
      await context.req.json();
      await next();
    });
    host.route('/', app);

    const path = '/api/admin/data-dump/generate';
    const url = 'http://127.0.0.1:' + server.address().port + path;
    // Where nothing of it comes, a dump is made and published.
    const wish = '{"unknown":true}';
    const request = (headers, body = wish) => ({
      method: 'POST',
      headers: { authorization: 'Bearer token', ...headers },
      body,
      duplex: 'half',
    });
    const read = { 'x-read': 'away' };
    const answers = [
      await fetch(url, request({})),
      await fetch(url, request({ 'x-read': 'bytes' })),
      await fetch(url, request({ 'x-read': 'text' })),
      await fetch(url, request(read)),
      await fetch(url, request(read, new Blob([wish]).stream())),
      await host.request(path, request({})),
    ];
    const told = await Promise.all(
      answers.map(async (answer) => {
        const { error, message } = await answer.json();
        return [answer.status, error, message];
      }),
    );
    server.close();
    server.closeAllConnections();
    await app.close();
    return told;`;
  const seen = [400, 'VALIDATION_ERROR', 'The request is not valid'];
  const taken = [500, 'INTERNAL_ERROR', expect.stringMatching(/: mount the service before/)];
  expect(evaluate('createAdminApp', 'admin/index.js', script)).toEqual([
    ...[seen, seen],
    ...[taken, taken, taken, taken],
  ]);
});
