/** Every route of the admin service against every kind of caller. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder, listing, removeFolders } from '../support';
import {
  bearer,
  everyWayIn,
  forwarded,
  type Headers,
  forwardSecret,
  jwt,
  jwtConfused,
  jwtNone,
  organization,
  panelOrigin,
  type Request,
} from '../support/admin/callers';
import { clerkIds, firstGeneration, newestGeneration, people } from '../support/admin/people';
import { serve, type Service, stopServices } from '../support/admin/service';

interface Envelope {
  readonly success: boolean;
  readonly error?: string;
  readonly message?: string;
  readonly timestamp?: string;
  readonly details?: { readonly correlation_id?: string };
  readonly data?: Record<string, unknown>;
}

const jobId = randomUUID();
const routes: readonly Request[] = [
  { method: 'POST', target: '/api/admin/data-dump/generate', body: '{}' },
  { method: 'POST', target: '/api/admin/backup/generate', body: '{}' },
  { method: 'GET', target: '/api/admin/data-dumps?page=1&limit=5' },
  { method: 'DELETE', target: '/api/admin/data-dumps/20260102T030405Z' },
  { method: 'GET', target: '/api/admin/backups' },
  { method: 'GET', target: '/api/admin/jobs' },
  { method: 'GET', target: `/api/admin/jobs/${jobId}` },
  { method: 'GET', target: `/api/admin/jobs/${jobId}/events` },
  { method: 'DELETE', target: `/api/admin/jobs/${jobId}` },
  { method: 'POST', target: `/api/admin/jobs/${jobId}/publish` },
  { method: 'PUT', target: '/api/admin/data-dumps' },
  { method: 'GET', target: '/api/admin/no-such-route' },
];

type Caller = (request: Request) => Headers;

const admin = people.roleAdmin;
const long = 'x'.repeat(70_000);
const now = (): number => Math.floor(Date.now() / 1000);

/** Callers that are not let in, and why. */
const refused: Readonly<Record<string, readonly [status: number, caller: Caller]>> = {
  nobody: [401, () => ({})],
  'a cookie alone': [401, () => ({ cookie: `user_token=${admin}; __session=${jwt()}` })],
  'an empty token': [401, () => ({ authorization: 'Bearer ' })],
  'another scheme': [401, () => ({ authorization: `Basic ${btoa(`${admin}:x`)}` })],
  'a stranger': [403, () => ({ 'x-user-token': people.stranger })],
  'a user': [403, () => ({ 'x-user-token': people.user })],
  'a user by bearer': [403, () => bearer(people.user)],
  'a moderator': [403, () => ({ 'x-user-token': people.moderator })],
  'an admin no longer active': [403, () => ({ 'x-user-token': people.inactive })],
  'a revoked admin': [403, () => ({ 'x-user-token': people.revoked })],
  'a banned admin': [403, () => ({ 'x-user-token': people.banned })],
  'a suspended admin': [403, () => ({ 'x-user-token': people.suspended })],
  'an expired grant': [403, () => ({ 'x-user-token': people.expired })],
  'a grant that expires nobody knows when': [
    403,
    () => ({ 'x-user-token': people.unreadableExpiry }),
  ],
  'a grant for one resource': [403, () => ({ 'x-user-token': people.scoped })],
  "Clerk's id of an admin, bare": [403, () => ({ 'x-user-token': clerkIds.admin })],
  "Clerk's id of an admin, bare, by bearer": [403, () => bearer(clerkIds.admin)],
  'an admin banned until nobody knows when': [
    403,
    () => ({ 'x-user-token': people.unreadableBan }),
  ],
  'SQL for a token': [403, () => ({ 'x-user-token': "'/**/OR/**/1=1--" })],
  'a JWT of a user': [
    403,
    () => bearer(jwt({ sub: clerkIds.user, org_id: undefined, org_role: undefined })),
  ],
  'a JWT of a member': [403, () => bearer(jwt({ org_role: 'org:member' }))],
  'an admin of another organisation': [403, () => bearer(jwt({ org_id: 'org_theirs' }))],
  'an admin of another organisation, newer form': [
    403,
    () =>
      bearer(
        jwt({ org_id: undefined, org_role: undefined, o: { id: 'org_theirs', rol: 'admin' } }),
      ),
  ],
  'claims of two organisations mixed': [
    403,
    () => bearer(jwt({ org_role: 'org:member', o: { id: 'org_theirs', rol: 'admin' } })),
  ],
  'a banned admin of our organisation': [403, () => bearer(jwt({ sub: clerkIds.banned }))],
  'alg none': [401, () => bearer(jwtNone())],
  'alg HS256 with the public key': [401, () => bearer(jwtConfused())],
  'another key': [401, () => bearer(jwt({}, 'other'))],
  'a wrong issuer': [401, () => bearer(jwt({ iss: 'https://clerk.example.com' }))],
  'a wrong azp': [401, () => bearer(jwt({ azp: 'https://elsewhere.example' }))],
  'no azp': [401, () => bearer(jwt({ azp: undefined }))],
  'an expired JWT': [401, () => bearer(jwt({ exp: now() - 60 }))],
  'a JWT that never expires': [401, () => bearer(jwt({ exp: undefined }))],
  'a JWT of tomorrow': [401, () => bearer(jwt({ nbf: now() + 86_400 }))],
  'a pending session': [401, () => bearer(jwt({ sts: 'pending' }))],
  'a wrong signature': [
    401,
    (r) => forwarded(r, admin, { secret: 'another-secret-of-many-characters-000' }),
  ],
  'no signature': [401, (r) => forwarded(r, admin, {}, { 'x-archiver-signature': '' })],
  'a cut signature': [401, (r) => forwarded(r, admin, {}, { 'x-archiver-signature': 'v1=00' })],
  'an old timestamp': [401, (r) => forwarded(r, admin, { timestamp: String(Date.now() - 61_000) })],
  'a timestamp to come': [
    401,
    // To the millisecond it is tried where the clock stands still.
    (r) => forwarded(r, admin, { timestamp: String(Date.now() + 600_000) }),
  ],
  'a fresh timestamp over an old signature': [
    401,
    (r) =>
      forwarded(
        r,
        admin,
        { timestamp: String(Date.now() - 61_000) },
        { 'x-archiver-timestamp': String(Date.now()) },
      ),
  ],
  'another body': [401, (r) => forwarded(r, admin, { body: '{"allow_shrink":true}' })],
  'another query': [401, (r) => forwarded(r, admin, { target: `${r.target}&x=1` })],
  'another path': [401, (r) => forwarded(r, admin, { target: '/api/admin/other' })],
  'another method': [401, (r) => forwarded(r, admin, { method: 'PATCH' })],
  'another audience': [401, (r) => forwarded(r, admin, { audience: 'another-service' })],
  'another admin': [401, (r) => forwarded(r, admin, { admin: people.user })],
  'another nonce': [401, (r) => forwarded(r, admin, {}, { 'x-archiver-nonce': randomUUID() })],
  'a short nonce': [401, (r) => forwarded(r, admin, { nonce: 'short' })],
  'fields that run into each other': [
    401,
    (r) => forwarded(r, `${admin}x`, { nonce: randomUUID(), admin }),
  ],
  'a huge token': [401, () => bearer(long.slice(0, 12_000))],
};

let service: Service;
let base: string;

beforeAll(async () => {
  base = folder();
  service = await serve(everyWayIn(base, newestGeneration(base)));
});

afterAll(async () => {
  await stopServices();
  removeFolders();
});

async function ask(request: Request, headers: Headers): Promise<Response> {
  const { method, target, body } = request;
  return fetch(service.url + target, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
  });
}

async function statusOf(request: Request, headers: Headers): Promise<number> {
  const response = await ask(request, headers);
  await response.body?.cancel();
  return response.status;
}

/** No id of anybody, in whatever was said. */
function expectNobody(text: string): void {
  for (const id of [...Object.values(people), ...Object.values(clerkIds)]) {
    expect(text).not.toContain(id);
  }
  expect(text).not.toContain('user_2organisationadmin');
  expect(text).not.toContain(forwardSecret);
}

/** No job, no file. */
async function expectNothingStarted(): Promise<void> {
  const jobs = await ask({ method: 'GET', target: '/api/admin/jobs' }, bearer(admin));
  expect(((await jobs.json()) as Envelope).data).toEqual({ jobs: [], running: null });
  expect(listing(join(base, 'public'))).toEqual([]);
  expect(listing(join(base, 'backups'))).toEqual(['.gitignore']);
}

describe.each(Object.entries(refused))('%s', (_, [status, caller]) => {
  it(`is ${status} on every route, and learns nothing`, async () => {
    for (const request of routes) {
      const response = await ask(request, caller(request));
      expect([request, response.status]).toEqual([request, status]);
      const text = await response.text();
      const envelope = JSON.parse(text) as Envelope;
      expect(envelope).toEqual({
        success: false,
        error: status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN',
        message: expect.any(String) as string,
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        details: { correlation_id: expect.stringMatching(/^[0-9a-f]{8}$/) as string },
      });
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      expectNobody(text + JSON.stringify([...response.headers]));
    }
  });
});

it('starts nothing for any of them', expectNothingStarted);

const list: Request = { method: 'GET', target: '/api/admin/data-dumps' };

it.each<[string, Caller]>([
  ['a role', () => ({ 'x-user-token': people.roleAdmin })],
  ['a role, by bearer', () => bearer(people.roleAdmin)],
  ['a permission', () => bearer(people.permissionAdmin)],
  ['a permission by uuid', () => bearer(people.uuidAdmin)],
  ['an organisation', () => bearer(jwt())],
  [
    'an organisation, newer form',
    () =>
      bearer(
        jwt({ org_id: undefined, org_role: undefined, o: { id: organization, rol: 'admin' } }),
      ),
  ],
  [
    "Clerk's id of an admin",
    () => bearer(jwt({ sub: clerkIds.admin, org_id: undefined, org_role: undefined })),
  ],
  ['a signature', (request) => forwarded(request, people.stranger)],
])('lets an admin in by %s', async (_, caller) => {
  expect(await statusOf(list, caller(list))).toBe(200);
});

it('lets two honest identical requests pass that only look', async () => {
  const headers = forwarded(list, admin);
  expect(await statusOf(list, headers)).toBe(200);
  expect(await statusOf(list, headers)).toBe(200);
});

it('refuses a change that was signed once and sent twice, also after a restart', async () => {
  const change: Request = { method: 'DELETE', target: `/api/admin/jobs/${jobId}` };
  const headers = forwarded(change, admin);
  expect(await statusOf(change, headers)).toBe(404);
  expect(await statusOf(change, headers)).toBe(401);
  const said = service.output();
  await service.stop('SIGKILL');
  service = await serve(everyWayIn(base, join(base, 'newest.sqlite')));
  expect(await statusOf(change, headers)).toBe(401);
  expectNobody(said);
});

it('refuses changes from pages of other origins', async () => {
  for (const request of routes.filter(({ method }) => method !== 'GET')) {
    for (const origin of ['https://elsewhere.example', 'null', `${panelOrigin}.evil.example`]) {
      expect(await statusOf(request, { ...bearer(admin), origin })).toBe(403);
    }
  }
  const change: Request = { method: 'DELETE', target: `/api/admin/jobs/${jobId}` };
  expect(await statusOf(change, { ...bearer(admin), origin: panelOrigin })).toBe(404);
  const headers = { ...bearer(admin), origin: 'https://elsewhere.example' };
  const refused = await fetch(service.url + change.target, { method: 'DELETE', headers });
  expect(await refused.text()).toContain('ADMIN_ORIGINS names those that may');
});

it('reads no more than a few words, even of an admin', async () => {
  for (const { method, target } of routes.filter(({ method: m }) => m !== 'GET')) {
    const request = { method, target, body: JSON.stringify({ allow_shrink: long }) };
    expect(await statusOf(request, bearer(admin))).toBe(413);
    expect(await statusOf(request, {})).toBe(401);
    // In chunks, without a length.
    const streamed = await fetch(service.url + target, {
      method,
      headers: bearer(admin),
      body: new Blob([request.body]).stream(),
      duplex: 'half',
    });
    expect([streamed.status, await streamed.json()]).toEqual([
      413,
      expect.objectContaining({ error: 'PAYLOAD_TOO_LARGE' }),
    ]);
  }
});

it("writes no user's id into the audit that stands where a job's could", async () => {
  const change = { method: 'DELETE', target: `/api/admin/jobs/${people.user}` };
  expect(await statusOf(change, bearer(admin))).toBe(404);
  const publish = { method: 'POST', target: `/api/admin/jobs/${people.user}/publish`, body: '{}' };
  expect(await statusOf(publish, bearer(admin))).toBe(404);
  expect(service.output()).toMatch(/"action":"data_dump.publish","outcome":"NOT_FOUND"/);
  expectNobody(service.output());
});

it('still has started nothing, and has written nobody down', async () => {
  const cancel = { method: 'DELETE', target: `/api/admin/jobs/${jobId}` };
  expect(await statusOf(cancel, bearer(admin))).toBe(404);
  await expectNothingStarted();
  expectNobody(service.output());
  for (const name of listing(join(base, 'state'))) {
    expectNobody(name);
    if (name.endsWith('.json')) expectNobody(readFileSync(join(base, 'state', name), 'utf8'));
  }
  expect(service.output()).toMatch(/"actor":"adm_[0-9a-f]{12}","action":"job.cancel"/);
});

it('reads the rows of the first generation too', async () => {
  const older = folder();
  const other = await serve({
    SOURCE_DATABASE_FILE: firstGeneration(older),
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_STATE_DIR: join(older, 'state'),
    BACKUP_OUTPUT_DIR: join(older, 'backups'),
    DUMPS_DIR: join(older, 'public'),
  });
  const status = async (token: string): Promise<number> =>
    (await fetch(other.url + list.target, { headers: bearer(token) })).status;
  expect(await status(people.olderAdmin)).toBe(200);
  expect(await status(people.olderRevoked)).toBe(403);
  expect(await status(people.moderator)).toBe(403);
});
