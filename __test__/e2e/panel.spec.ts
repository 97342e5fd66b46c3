/** The panel in a real browser, before the real service, the real addon and a real bucket. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { verifyArchive } from '../..';
import { folder } from '../support';
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
import { sha256, sqlite, tool } from '../support/tools';

const stage = panelStage();

it('refuses who is no admin, and says why', async () => {
  const page = await stage.visit();
  await fine(page, 'sign-in');
  for (const [token, answer] of [
    ['', 'Paste a token first'],
    ['two words', 'no spaces'],
    [people.user, 'not an administrator'],
    ['eyJhbGciOiJub25lIn0.e30.', 'does not know this token'],
  ] as const) {
    await page.getByLabel('Administrator’s token').fill(token);
    await button(page, 'Sign in').click();
    await alarm(page, answer).waitFor();
  }
  await fine(page, 'refused');
});

it('makes, shows and hands out a dump that verifies', async () => {
  const page = await signIn(await stage.visit({ acceptDownloads: true }));
  await page.getByText('No data dump has been published yet').waitFor();
  await fine(page, 'empty');

  // Of a place for announcements that has only now come, screen readers tell nothing.
  await page.evaluate(`
    for (const place of document.querySelectorAll('[role=status]')) place.dataset.wasThere = '';`);
  await stage.halfway(page);
  const bar = page.getByRole('progressbar');
  await page.getByText(/\d+ of 16/).waitFor();
  expect(await bar.getAttribute('aria-valuetext')).toMatch(/^Making thumbnails \d+ of 16$/);
  await page.getByText(/\d:\d\d elapsed/).waitFor();
  await page.getByText(/0:00 elapsed/).waitFor({ state: 'detached' });
  await fine(page, 'running');
  stage.photos.release();

  const published = notice(page, /^Published: datadump-/);
  await published.waitFor();
  expect(await published.getAttribute('data-was-there')).toBe('');
  await rows(page).waitFor();
  expect(await rows(page).innerText()).toMatch(/\b43\b[^]*\b16\b/);
  await fine(page, 'published');

  const link = page.getByRole('link', { name: /^Download datadump-.* of / });
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const path = join(folder(), 'dump.zip');
  await download.saveAs(path);
  expect(await verifyArchive(path)).toMatchObject({ ok: true, kind: 'data-dump' });
  tool('unzip', ['-tq', path]);
  expect(JSON.parse(tool('unzip', ['-p', path, 'artwork.json']))).toHaveLength(43);
  expect(await rows(page).locator('code').getAttribute('title')).toBe(sha256(path));
});

it('cancels, and makes another one afterwards', async () => {
  const page = await signIn(await stage.visit());
  await stage.halfway(page);
  await button(page, 'Cancel').click();
  await notice(page, 'Cancelled. Nothing was published').waitFor();
  await page.getByText('No data dump has been published yet').waitFor();
  expect(await stage.r2.keys()).not.toContain('public-data-dumps/latest.json');
  stage.photos.release();
  await generate(page);
  await notice(page, /^Published/).waitFor();
});

it('tells an incomplete dump from a complete one', async () => {
  stage.photos.refused.add('/slow/13.jpg');
  const page = await signIn(await stage.visit());
  await generate(page);
  await notice(page, 'Published, but incomplete').waitFor();
  await rows(page).getByText('Incomplete').waitFor();
  await fine(page, 'incomplete');
});

it('publishes a shrunken dump only when told to', async () => {
  const page = await signIn(await stage.visit());
  await generate(page);
  await notice(page, /^Published/).waitFor();
  sqlite(stage.database, `DELETE FROM artwork WHERE id LIKE 'b%'`);
  await generate(page);
  const shrunk = notice(page, 'lost much of what the last one had');
  await shrunk.getByText('3 artworks instead of 43').waitFor();
  await shrunk.getByText('Published now: 43 artworks').waitFor();
  await fine(page, 'shrunken');
  await button(page, 'Publish anyway').click();
  await notice(page, /^Published/)
    .getByText('3 artworks,')
    .waitFor();

  // Nobody can allow a dump of nothing.
  sqlite(stage.database, 'DELETE FROM artwork');
  await generate(page);
  const empty = alarm(page, 'The dump could not be made. Nothing was published');
  await empty.getByText(/There is no approved artwork.*check that this is the right/).waitFor();
  expect(await button(page, 'Publish anyway').count()).toBe(0);
});

it('shows a dump before it is published, publishes it, and takes it back', async () => {
  const page = await signIn(await stage.visit());
  await page.getByLabel('Let me look at it before it is published').check();
  await generate(page);
  const review = notice(page, 'Ready for review');
  await review.getByText('43 artworks').waitFor();
  await review.getByText('The first records').click();
  await review.getByText('"title": "It\'s a work"').first().waitFor();
  expect(await stage.r2.keys()).not.toContain('public-data-dumps/latest.json');
  await fine(page, 'review');
  await page.reload();
  await button(page, 'Publish').click();
  await notice(page, /^Published/).waitFor();

  await button(page, /^Take back/).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await dialog.getByText(/purge http.*\/datadump-\S+\.zip there/).waitFor();
  await fine(page, 'take-back');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await rows(page).count()).toBe(1);
  await button(page, /^Take back/).click();
  await button(page, 'Take it back').click();
  await page.getByText('No data dump has been published yet').waitFor();
  await notice(page, /^Published/).waitFor({ state: 'detached' });
  expect((await stage.r2.keys()).filter((key) => key.endsWith('.zip'))).toEqual([]);
});

it('shows a dump that was replaced until it is gone, and what is left of one that is taken back', async () => {
  // Only another of its day replaces a dump.
  const leftOfDay = 86_400_000 - (Date.now() % 86_400_000);
  if (leftOfDay < 60_000) await sleep(leftOfDay);
  const page = await signIn(await stage.visit());
  const replaced = page.getByRole('region', { name: 'Replaced dumps' });
  for (const shown of [0, 1]) {
    await generate(page);
    await notice(page, /^Published/).waitFor();
    await rows(page).waitFor();
    // The list is asked for anew once the job is over.
    if (shown > 0) await replaced.getByRole('listitem').waitFor();
    expect(await replaced.getByRole('listitem').count()).toBe(shown);
    await button(page, 'Put this message away').click();
  }
  await fine(page, 'replaced');
  // Days are told apart where names are: here it may be tomorrow.
  await replaced.getByText('a later dump of the same day (UTC)').waitFor();
  await button(page, /^Take back datadump/).click();
  await page.getByRole('dialog').getByText('is published again in its place').waitFor();
  await button(page, 'Keep it as it is').click();
  await button(page, /^Take back the replaced/).click();
  expect(await page.getByText('is published again in its place').count()).toBe(0);
  await button(page, 'Take it back').click();
  await replaced.waitFor({ state: 'detached' });
  expect(await rows(page).count()).toBe(1);

  // The storage breaks off: what it still has is asked for.
  await page.route(/data-dumps\/\w+$/, async (route) => {
    await route.fetch();
    await route.fulfill({ status: 503, json: { success: false, error: 'STORAGE_UNAVAILABLE' } });
  });
  await button(page, /^Take back datadump/).click();
  await button(page, 'Take it back').click();
  await alarm(page, 'could not be taken back').waitFor();
  await page.getByText('No data dump has been published yet').waitFor();
});

it('makes a private backup that no link leads to', async () => {
  const page = await signIn(await stage.visit());
  await page.getByText('there is none yet').waitFor();
  await button(page, 'Make Private Backup').click();
  await notice(page, 'Backup made and tried').waitFor();
  await page.getByText(/Last good backup: just now/).waitFor();
  const card = page.getByRole('region', { name: 'Private backup' });
  expect(await card.getByRole('link').count()).toBe(0);
  await fine(page, 'backup');
  expect((await stage.r2.keys()).filter((key) => key.includes('backup-'))).toEqual([]);
});
