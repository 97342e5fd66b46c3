/** How the panel follows a job: over reloads, for other admins, and past what breaks meanwhile. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page, Route } from 'playwright-core';

import { jwt } from '../support/admin/callers';
import { people } from '../support/admin/people';
import {
  alarm,
  button,
  fine,
  generate,
  notice,
  panelStage,
  rows,
  signIn,
} from '../support/admin/panel';
import { sqlite } from '../support/tools';

const stage = panelStage();

/** A browser of somebody's own whose pages wait for a second at most where they would wait for longer. */
async function hasty(): Promise<Page> {
  const page = await stage.visit();
  await page.addInitScript(`
    for (const name of ['setInterval', 'setTimeout']) {
      const real = window[name];
      window[name] = (work, ms, ...more) => real.call(window, work, Math.min(ms ?? 0, 1000), ...more);
    }`);
  await page.reload();
  return page;
}

it('goes on after a reload in the middle, and tells what became of the job after another', async () => {
  const page = await signIn(await stage.visit());
  await stage.halfway(page);
  await page.reload();
  await page.getByText(/^Making thumbnails$/).waitFor();
  expect(await page.getByText('Somebody else').count()).toBe(0);
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
  await page.reload();
  await notice(page, /^Published/).waitFor();
  await button(page, 'Put this message away').click();
  await page.reload();
  await rows(page).waitFor();
  expect(await notice(page, /^Published/).count()).toBe(0);
});

it('follows a job in any number of tabs, of which one keeps a connection for itself', async () => {
  const first = await signIn(await stage.visit());
  await stage.halfway(first);
  const context = first.context();
  await context.addInitScript(
    `sessionStorage.setItem('cultural-archiver-token', '${people.roleAdmin}')`,
  );
  const tabs: Page[] = [];
  // A browser has six connections to a server without HTTP/2.
  for (let n = 0; n < 7; n += 1) {
    const tab = await context.newPage();
    await tab.goto(stage.url);
    await tab.getByText(/^Making thumbnails$/).waitFor();
    expect(await tab.getByText('Somebody else').count()).toBe(0);
    tabs.push(tab);
  }
  stage.photos.release();
  for (const tab of tabs) await notice(tab, /^Published/).waitFor();
});

it('shows a second admin the job of the first, and lets nobody start another', async () => {
  const first = await signIn(await stage.visit());
  const second = await signIn(await stage.visit(), people.clerkAdmin);
  await stage.halfway(first);
  await generate(second);
  await second.getByText('Somebody else is making a data dump').waitFor();
  await second.getByText(/^Making thumbnails$/).waitFor();
  expect(await button(second, 'Make Private Backup').getAttribute('aria-disabled')).toBe('true');
  await fine(second, 'somebody-else');
  stage.photos.release();
  await notice(first, /^Published/).waitFor();
  await notice(second, /^Published/).waitFor();
  await rows(second).waitFor();
  expect(await rows(second).count()).toBe(1);
});

it('asks before the job of somebody else is cancelled', async () => {
  const first = await signIn(await stage.visit());
  const second = await signIn(await hasty(), people.clerkAdmin);
  await stage.halfway(first);
  await second.getByText('Somebody else is making a data dump').waitFor();
  const dialog = second.getByRole('dialog', { name: 'Cancel the data dump of somebody else?' });
  await button(second, 'Cancel').click();
  await fine(second, 'cancel-somebody-else');
  await dialog.getByRole('button', { name: 'Keep it as it is' }).click();
  await dialog.waitFor({ state: 'detached' });
  await first.getByText(/^Making thumbnails$/).waitFor();
  await button(second, 'Cancel').click();
  await dialog.getByRole('button', { name: 'Cancel it' }).click();
  await notice(first, 'Cancelled. Nothing was published').waitFor();
  await notice(second, 'Cancelled. Nothing was published').waitFor();
  stage.photos.release();
});

it('asks to sign in again when the session has expired, and finds the job still running', async () => {
  const page = await stage.visit();
  // Long enough to sign in on a machine that is busy; the service lets clocks be five seconds apart.
  await signIn(page, jwt({ exp: Math.floor(Date.now() / 1000) + 8 }));
  await stage.halfway(page);
  const ended = page.getByText('Your session has ended');
  while (!(await ended.isVisible())) {
    await button(page, 'Refresh')
      .click({ timeout: 1000 })
      .catch(() => undefined);
    await ended.waitFor({ timeout: 500 }).catch(() => undefined);
  }
  await fine(page, 'expired');
  stage.photos.release();
  await signIn(page, jwt());
  await notice(page, /^Published/).waitFor();
});

it('says that the storage is down, keeps a finished dump, and sends it again', async () => {
  const page = await signIn(await stage.visit());
  await stage.halfway(page);
  stage.r2.wire.cut();
  stage.photos.release();
  const waiting = notice(page, 'A finished dump waits');
  await waiting.waitFor({ timeout: 50_000 });
  await button(page, 'Refresh').click();
  await alarm(page, 'The list could not be read').waitFor();
  await fine(page, 'storage-down');
  await button(page, 'Send it again').click();
  await alarm(page, 'It could not be published').waitFor();
  stage.r2.wire.mend();
  await button(page, 'Send it again').click();
  await notice(page, /^Published/).waitFor();
  await waiting.waitFor({ state: 'detached' });
  await rows(page).waitFor();
});

it.each([
  ['breaks', 'abort'],
  ['keeps', 'hang'],
] as const)('goes on by asking when a proxy %s the stream of events', async (_, fate) => {
  const page = await hasty();
  await page.route('**/events', (route) => (fate === 'abort' ? route.abort() : undefined));
  await signIn(page);
  await stage.halfway(page);
  await page.getByText(/\d+ of 16/).waitFor();
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
});

it('says that the service cannot be reached, and finds the job again', async () => {
  const page = await signIn(await stage.visit());
  await page.route('**/events', (route) => route.abort());
  await stage.halfway(page);
  await page.route('**/api/**', (route) => route.abort());
  await notice(page, 'The service could not be reached. The job does not need this page').waitFor();
  await fine(page, 'away');
  stage.photos.release();
  await page.unroute('**/api/**');
  await notice(page, /^Published/).waitFor();
});

it('says no more that it could not be found out what is running once it could', async () => {
  const page = await hasty();
  await signIn(page);
  const problem = { success: false, error: 'AUTH_UNAVAILABLE', message: 'It cannot be read' };
  await page.route(/jobs$/, (route) => route.fulfill({ status: 503, json: problem }));
  await page.reload();
  const told = alarm(page, 'What is running could not be found out');
  await told.waitFor();
  await page.unroute(/jobs$/);
  await told.waitFor({ state: 'detached' });
});

it('says of an admin who is none any more what it is, not that the service is away', async () => {
  const page = await signIn(await stage.visit());
  await page.route('**/events', (route) => route.abort());
  await stage.halfway(page);
  sqlite(stage.database, 'UPDATE user_roles SET is_active = 0');
  await notice(
    page,
    'Administrator permission is required. The job does not need this page',
  ).waitFor();
  sqlite(stage.database, 'UPDATE user_roles SET is_active = 1');
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
});

it('says of a job of another instance what is known, and no more', async () => {
  const page = await stage.visit();
  const running = {
    job_id: 'far',
    kind: 'backup',
    state: 'running',
    progress: null,
    elsewhere: true,
  };
  await page.route(/jobs$/, (route) =>
    route.fulfill({ json: { success: true, data: { jobs: [], running } } }),
  );
  await page.route(/jobs\/far$/, (route) =>
    route.fulfill({ json: { success: true, data: running } }),
  );
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
  await page.route(/jobs$/, (route) =>
    route.fulfill({ json: { success: true, data: { jobs: [], running } } }),
  );
  await page.route(/jobs\/sent$/, (route) =>
    route.fulfill({ json: { success: true, data: running } }),
  );
  await signIn(page);
  await page.getByText(/^1:\d\d elapsed$/).waitFor();
});

it('asks to sign in again also when nothing runs, without being touched', async () => {
  const page = await signIn(await hasty());
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
  const page = await stage.visit();
  await page.addInitScript(`
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (ms) => timeout.call(AbortSignal, Math.min(ms, 2000));`);
  await page.reload();
  await signIn(page);
  const { port } = halfway.address() as AddressInfo;
  await page.route('**/data-dumps?*', (route) => answer(route, `http://127.0.0.1:${port}/`));
  await button(page, 'Refresh').click();
  await alarm(page, 'The list could not be read').getByText(words).waitFor();
});

it('says of a dump that was given up what it is, also before an older service', async () => {
  const page = await stage.visit();
  const error = { code: 'DUMP_OUTDATED', message: 'A newer dump has been published since' };
  const job = { job_id: 'old', kind: 'data-dump', state: 'failed', error, publishable: false };
  const none = { dumps: [], total: 0, page: 1, limit: 10, has_more: false };
  await page.addInitScript("sessionStorage.setItem('cultural-archiver-job', 'old')");
  await page.reload();
  await page.route(/jobs$/, (route) =>
    route.fulfill({ json: { success: true, data: { jobs: [job], running: null } } }),
  );
  // One that has no word of dumps that were replaced.
  await page.route('**/data-dumps?*', (route) =>
    route.fulfill({ json: { success: true, data: none } }),
  );
  await signIn(page);
  await alarm(page, 'The dump was not published').getByText(error.message).waitFor();
  await page.getByText('No data dump has been published yet').waitFor();
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
  await page.route(/jobs$/, (route) =>
    route.fulfill({ json: { success: true, data: { jobs: [job], running: null } } }),
  );
  await signIn(page);
  const said =
    'The latest published dump is missing or damaged, so that nothing can be compared with it.';
  await notice(page, said).waitFor();
  await fine(page, 'nothing-to-compare');
  const asked = page.waitForRequest('**/data-dump/generate');
  await button(page, 'Publish anyway').click();
  expect((await asked).postDataJSON()).toEqual({ allow_shrink: true });
});

it('counts the time of a job by the clock of the service', async () => {
  const page = await stage.visit();
  await page.addInitScript('const { now } = Date; Date.now = () => now() + 300_000;');
  await page.reload();
  await signIn(page);
  await stage.halfway(page);
  await page.getByText(/^0:[0-5]\d elapsed/).waitFor();
  stage.photos.release();
});

it('calls no backup failed that goes on where nobody can be asked about it', async () => {
  const page = await hasty();
  const job = { job_id: 'far', kind: 'backup', state: 'running', progress: null };
  await page.addInitScript("sessionStorage.setItem('cultural-archiver-job', 'far')");
  await page.reload();
  await page.route(/jobs$/, (route) =>
    route.fulfill({ json: { success: true, data: { jobs: [job], running: null } } }),
  );
  await signIn(page);
  // Once they are asked for again, what the first answer says is shown.
  await page.waitForResponse(/jobs$/);
  await page.waitForResponse(/jobs$/);
  expect(await page.getByText('No backup was made').count()).toBe(0);
});

it('shows what somebody else has made between two questions, and how old the last backup is by now', async () => {
  const page = await hasty();
  let jobs: readonly object[] = [];
  const byHand = {
    filename: 'backup-2026-01-01-000000.zip',
    size: 1,
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
  await page.waitForResponse(/jobs$/);
  const finished_at = new Date().toISOString();
  list = { backups: [], last_good_at: finished_at };
  jobs = [{ job_id: 'theirs', kind: 'backup', state: 'succeeded', finished_at, progress: null }];
  await page.getByText(/^just now/).waitFor();
  // Nobody has touched the page since.
  daysLater = 3;
  await page.getByText(/^3 days ago/).waitFor();
});
