/** What an admin asks for that the service does not know, or does not take. */

import { folder, removeFolders } from '../support';
import { bearer, everyWayIn } from '../support/admin/callers';
import { newestGeneration, people } from '../support/admin/people';
import { serve, type Service, stopServices } from '../support/admin/service';

let service: Service;

beforeAll(async () => {
  const base = folder();
  service = await serve(everyWayIn(base, newestGeneration(base)));
});

afterAll(async () => {
  await stopServices();
  removeFolders();
});

async function ask(method: string, path: string, body?: string): Promise<Response> {
  const headers = { ...bearer(people.roleAdmin), 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body };
  return fetch(`${service.url}/api/admin/${path}`, { method, headers, ...sent });
}

it('says which methods a path has', async () => {
  const response = await ask('PUT', 'data-dumps');
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  expect((await ask('GET', 'no-such-route')).status).toBe(404);
});

it.each(['page=0', 'page=x', 'page=1.5', 'page=-1', 'limit=0', 'limit=101', 'limit=', 'page=1e3'])(
  'refuses %s by name of the field',
  async (query) => {
    const response = await ask('GET', `data-dumps?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: 'VALIDATION_ERROR',
      show_details: true,
      details: { validation_errors: [{ field: query.split('=')[0] }] },
    });
  },
);

it.each(['{', '[]', '{"allow_shrink":"yes"}', '{"unknown":true}', '{"publish":null}'])(
  'refuses the body %s',
  async (body) => {
    expect((await ask('POST', 'data-dump/generate', body)).status).toBe(400);
  },
);

it('says of an option that there is none, without repeating its value', async () => {
  const body = '{"allow_shrinking":"private value"}';
  const response = await ask('POST', 'data-dump/generate', body);
  const text = await response.text();
  expect(response.status).toBe(400);
  expect(text).toContain('"field":"allow_shrinking","message":"There is no such option"');
  expect(text).not.toContain('private value');
});
