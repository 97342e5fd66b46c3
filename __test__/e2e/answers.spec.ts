/** What the panel makes of answers that its service gives now and then, and of those that are not the service's. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page, Route } from 'playwright-core';

import { alarm, button, fine, hasty, notice, panelStage, signIn } from '../support/admin/panel';

const stage = panelStage('once');

/** Answers a page in place of the service, from now on. */
async function tell(page: Page, path: RegExp | string, data: object): Promise<void> {
  await page.route(path, (route) => route.fulfill({ json: { success: true, data } }));
}

it('says of a job of another instance what is known, and no more', async () => {
  const page = await stage.visit();
  const running = {
    job_id: 'far',
    kind: 'backup',
    state: 'running',
    progress: null,
    elsewhere: true,
  };
  await tell(page, /jobs$/, { jobs: [], running });
  await tell(page, /jobs\/far$/, running);
  await signIn(page);
  await page.getByText('Another process runs it').waitFor();
  await page.getByText(/^Running$/).waitFor();
  expect(await page.getByText('You can watch it here').count()).toBe(0);
  await fine(page, 'elsewhere');
});

it('counts the time of a dump that waited from when it was sent, not from when it was made', async () => {
  const page = await stage.visit();
  const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
  const running = {
    job_id: 'sent',
    kind: 'data-dump',
    state: 'running',
    created_at: ago(86_400),
    started_at: ago(65),
    progress: null,
  };
  await page.route('**/events', (route) => route.abort());
  await tell(page, /jobs$/, { jobs: [], running });
  await tell(page, /jobs\/sent$/, running);
  await signIn(page);
  await page.getByText(/^1:\d\d elapsed$/).waitFor();
});

it('asks to sign in again also when nothing runs, without being touched', async () => {
  const page = await signIn(await hasty(stage));
  await page.route(/jobs$/, (route) =>
    route.fulfill({ status: 401, json: { success: false, error: 'UNAUTHORIZED' } }),
  );
  await page.getByText('Your session has ended').waitFor();
});

/** A server of whose answer half comes, and then nothing, or below `/end` the end of the connection. */
const halfway = createServer(({ url }, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"success":', () => {
    if (url === '/end') response.destroy();
  });
});

beforeAll(() => once(halfway.listen(0, '127.0.0.1'), 'listening'));

afterAll(() => {
  halfway.close();
  halfway.closeAllConnections();
});

it.each<[string, string, (route: Route, half: string) => unknown]>([
  ['nothing', 'The service did not answer in time', () => undefined],
  [
    'half an answer',
    'The service did not answer in time',
    (route, half) => route.continue({ url: half }),
  ],
  [
    'an answer that breaks off',
    'The service could not be reached',
    (route, half) => route.continue({ url: `${half}end` }),
  ],
  [
    'a page of a proxy',
    'Something else than the service has answered',
    (route) => route.fulfill({ body: '<html>Please sign in</html>', contentType: 'text/html' }),
  ],
  [
    'null',
    'Something else than the service has answered',
    (route) => route.fulfill({ body: 'null', contentType: 'application/json' }),
  ],
])('says of %s in place of the list what it is', async (_, words, answer) => {
  const page = await signIn(await stage.visit());
  // Only where nothing comes in time: anything else may take its time.
  if (words.endsWith('in time')) {
    await page.evaluate(`
      const { timeout } = AbortSignal;
      AbortSignal.timeout = () => timeout.call(AbortSignal, 2000);`);
  }
  const { port } = halfway.address() as AddressInfo;
  await page.route('**/data-dumps?*', (route) => answer(route, `http://127.0.0.1:${port}/`));
  await button(page, 'Refresh').click();
  await alarm(page, 'The list could not be read').getByText(words).waitFor();
});

it.each([
  [429, 0],
  [503, 1],
])('names what the log says more under after status %i only where it does', async (status, n) => {
  const page = await signIn(await stage.visit());
  const details = { correlation_id: '0a1b2c3d' };
  const json = { success: false, error: 'REFUSED', message: 'Not now', details };
  await page.route('**/data-dumps?*', (route) => route.fulfill({ status, json }));
  await button(page, 'Refresh').click();
  await alarm(page, 'Not now').waitFor();
  expect(await page.getByText('0a1b2c3d').count()).toBe(n);
});

it('says of a dump that was given up what it is, also before an older service', async () => {
  const page = await stage.visit();
  const error = { code: 'DUMP_OUTDATED', message: 'A newer dump has been published since' };
  const job = { job_id: 'old', kind: 'data-dump', state: 'failed', error, publishable: false };
  const none = { dumps: [], total: 0, page: 1, limit: 10, has_more: false };
  await page.addInitScript("sessionStorage.setItem('cultural-archiver-job', 'old')");
  await page.reload();
  await tell(page, /jobs$/, { jobs: [job], running: null });
  // One that has no word of dumps that were replaced.
  await tell(page, '**/data-dumps?*', none);
  await signIn(page);
  await alarm(page, 'The dump was not published').getByText(error.message).waitFor();
  await page.getByText('No data dump has been published yet').waitFor();
});

it('tells dumps apart that were replaced within one minute', async () => {
  const page = await stage.visit();
  const metadata = { total_artworks: 1, total_creators: 0, total_tags: 0, total_photos: 0 };
  const replaced = ['2026-05-01T10:00:07Z', '2026-05-01T10:00:41Z'].map((generated_at) => ({
    id: generated_at,
    filename: 'datadump-2026-05-01.zip',
    generated_at,
    goes_at: '2026-05-02T10:01:00Z',
    metadata,
  }));
  const list = { dumps: [], total: 0, page: 1, limit: 10, has_more: false, replaced };
  await tell(page, '**/data-dumps?*', list);
  await signIn(page);
  await button(page, /^Take back .*:07\b/).waitFor();
  await button(page, /^Take back .*:41\b/).click();
  await page.getByRole('dialog').getByText(/:41\b/).waitFor();
});

it('keeps the warnings of a dump, however long their words are, within the narrowest table', async () => {
  const page = await stage.visit({ viewport: { width: 1024, height: 800 } });
  const dump = {
    id: '20260501T100007Z',
    filename: 'datadump-2026-05-01.zip',
    size: 488_123_456,
    sha256: 'f'.repeat(64),
    generated_at: '2026-05-01T10:00:07Z',
    complete: true,
    metadata: { total_artworks: 1e5, total_creators: 3e4, total_tags: 3e5, total_photos: 2e5 },
    warnings: ['No thumbnail could be made of 1 photo (5f3c2e521c5b4d668d2c3c7a2f9d1b11#12)'],
    download_url: 'https://dumps.example/datadump-2026-05-01.zip',
  };
  const list = { dumps: [dump], total: 1, page: 1, limit: 10, has_more: false };
  await tell(page, '**/data-dumps?*', list);
  await signIn(page);
  await page.getByText('1 warning').click();
  await page.getByText('No thumbnail').waitFor();
  await fine(page, 'long-words');
});

it('lets a dump be made although there is none to compare it with, nor to take back', async () => {
  const page = await stage.visit();
  const message =
    'The latest published dump is missing or damaged, so that nothing can be compared with it: ' +
    'take it back, or allow a smaller dump';
  const error = { code: 'PREVIOUS_DAMAGED', message };
  const job = { job_id: 'lone', kind: 'data-dump', state: 'failed', error, publishable: false };
  await page.addInitScript("sessionStorage.setItem('cultural-archiver-job', 'lone')");
  await page.reload();
  await tell(page, /jobs$/, { jobs: [job], running: null });
  await signIn(page);
  const said =
    'The latest published dump is missing or damaged, so that nothing can be compared with it.';
  await notice(page, said).waitFor();
  await fine(page, 'nothing-to-compare');
  // Nothing is made: others use the service too.
  await page.route('**/data-dump/generate', (route) => route.abort());
  const asked = page.waitForRequest('**/data-dump/generate');
  await button(page, 'Publish anyway').click();
  expect((await asked).postDataJSON()).toEqual({ allow_shrink: true });
});

it('calls no backup failed that goes on where nobody can be asked about it', async () => {
  const page = await hasty(stage);
  const job = { job_id: 'far', kind: 'backup', state: 'running', progress: null };
  await page.addInitScript("sessionStorage.setItem('cultural-archiver-job', 'far')");
  await page.reload();
  await tell(page, /jobs$/, { jobs: [job], running: null });
  await signIn(page);
  // Once they are asked for again, what the first answer says is shown.
  await page.waitForResponse(/jobs$/);
  await page.waitForResponse(/jobs$/);
  expect(await page.getByText('No backup was made').count()).toBe(0);
});

it('shows what somebody else has made between two questions, and how old the last backup is by now', async () => {
  const page = await hasty(stage);
  let jobs: readonly object[] = [];
  const byHand = {
    filename: 'backup-2026-01-01-000000.zip',
    size: 999_960,
    sha256: null,
    complete: null,
    warnings: null,
  };
  let list: object = { backups: [byHand], last_good_at: null };
  let daysLater = 0;
  const answer = (route: Route, data: object): Promise<void> => {
    const timestamp = new Date(Date.now() + daysLater * 86_400_000).toISOString();
    return route.fulfill({ json: { success: true, data, timestamp } });
  };
  await page.route(/jobs$/, (route) => answer(route, { jobs, running: null }));
  await page.route(/backups$/, (route) => answer(route, list));
  await signIn(page);
  await page.getByText('this service has made none yet').waitFor();
  await page.getByText('1 MB', { exact: true }).waitFor();
  await page.waitForResponse(/jobs$/);
  const finished_at = new Date().toISOString();
  list = { backups: [], last_good_at: finished_at };
  jobs = [{ job_id: 'theirs', kind: 'backup', state: 'succeeded', finished_at, progress: null }];
  await page.getByText(/^just now/).waitFor();
  // Nobody has touched the page since.
  daysLater = 3;
  await page.getByText(/^3 days ago/).waitFor();
});

it('shows no dump as waiting that was discarded after the question, and before its answer', async () => {
  const page = await hasty(stage);
  const job = { job_id: 'waits', kind: 'data-dump', state: 'failed', publishable: true };
  const answer = (route: Route, jobs: readonly object[]): Promise<void> =>
    route.fulfill({ json: { success: true, data: { jobs, running: null } } });
  let onAsked = (route: Route): unknown => answer(route, [job]);
  const nextAsked = (): Promise<Route> => new Promise((come) => (onAsked = come));
  await page.route(/jobs$/, (route) => onAsked(route));
  await tell(page, /jobs\/waits$/, job);
  await signIn(page);
  const waits = notice(page, 'A finished dump waits');
  await waits.waitFor();
  const late = await nextAsked();
  onAsked = (route) => answer(route, []);
  await button(page, 'Discard').click();
  await waits.waitFor({ state: 'detached' });
  const next = nextAsked();
  await answer(late, [job]);
  // It is asked again once the answer is dealt with.
  await next;
  expect(await waits.count()).toBe(0);
});

it('shows the last list of backups that it has asked for, not the last that came', async () => {
  const page = await hasty(stage);
  let finished_at = '2026-01-01T00:00:00Z';
  await page.route(/jobs$/, (route) => {
    const jobs = [{ job_id: 'theirs', kind: 'backup', state: 'succeeded', finished_at }];
    return route.fulfill({ json: { success: true, data: { jobs, running: null } } });
  });
  const answer = (route: Route, last_good_at: string | null): Promise<void> =>
    route.fulfill({ json: { success: true, data: { backups: [], last_good_at } } });
  let onAsked = (route: Route): unknown => answer(route, null);
  await page.route(/backups$/, (route) => onAsked(route));
  await signIn(page);
  // Somebody else makes two backups, one after the other.
  const late = await new Promise<Route>((come) => {
    onAsked = come;
    finished_at = '2026-01-01T00:00:01Z';
  });
  onAsked = (route) => answer(route, new Date().toISOString());
  finished_at = '2026-01-01T00:00:02Z';
  await page.getByText(/^just now/).waitFor();
  await answer(late, null);
  await (await late.request().response())?.finished();
  await page.evaluate('new Promise((seen) => setTimeout(seen, 100))');
  expect(await page.getByText('there is none yet').count()).toBe(0);
});
