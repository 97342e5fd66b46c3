/** How the panel follows a job: over reloads, for other admins, and past what breaks meanwhile. */

import type { Page } from 'playwright-core';

import { jwt } from '../support/admin/callers';
import { people } from '../support/admin/people';
import {
  alarm,
  button,
  fine,
  generate,
  hasty,
  notice,
  panelStage,
  rows,
  signIn,
} from '../support/admin/panel';
import { sqlite } from '../support/tools';

const stage = panelStage();

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
  const second = await signIn(await hasty(stage), people.clerkAdmin);
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
  const token = (seconds: number): string => jwt({ exp: Math.floor(Date.now() / 1000) + seconds });
  const page = await signIn(await stage.visit(), token(3600));
  await stage.halfway(page);
  // The service lets clocks be five seconds apart.
  const authorization = `Bearer ${token(-6)}`;
  await page.route('**/api/**', (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization } }),
  );
  await button(page, 'Refresh').click();
  await page.getByText('Your session has ended').waitFor();
  await fine(page, 'expired');
  stage.photos.release();
  await page.unroute('**/api/**');
  await signIn(page, token(3600));
  await notice(page, /^Published/).waitFor();
});

it('says that the storage is down, keeps a finished dump, and sends it again', async () => {
  const page = await signIn(await stage.visit());
  await stage.halfway(page);
  stage.r2.wire.cut();
  stage.photos.release();
  const waiting = notice(page, 'A finished dump waits');
  await waiting.waitFor();
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
  const page = await hasty(stage);
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
  const page = await hasty(stage);
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

it('says no more that a dump is published once somebody else has taken it back', async () => {
  const page = await signIn(await stage.visit());
  await generate(page);
  await notice(page, /^Published/).waitFor();
  const other = await signIn(await stage.visit());
  await button(other, /^Take back/).click();
  await button(other, 'Take it back').click();
  await other.getByText('No data dump has been published yet').waitFor();
  await notice(page, /^Published/).waitFor();
  await button(page, 'Refresh').click();
  await page.getByText('No data dump has been published yet').waitFor();
  await notice(page, /^Published/).waitFor({ state: 'detached' });
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
