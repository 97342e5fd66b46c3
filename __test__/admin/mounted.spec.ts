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
