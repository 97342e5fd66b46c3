/** The panel in a real browser, before the real service, the real addon and a real bucket. */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'esbuild';
import sharp from 'sharp';

import { verifyArchive } from '../..';
import { folder, removeFolders, root } from '../support';
import { type Bucket, bucket } from '../support/admin/bucket';
import { issuer, jwt, panelOrigin, publicKey } from '../support/admin/callers';
import { people } from '../support/admin/people';
import { serve, type Service, stopServices } from '../support/admin/service';
import { barriers, browser } from '../support/browser';
import { PhotoServer } from '../support/photo-server';
import { newer } from '../support/platform';
import { sha256, sqlite, tool } from '../support/tools';

/** Where pictures of the main states go, for the README. */
const pictures = process.env['CAB_SCREENSHOTS'];
const phone = { width: 375, height: 740 };

let chrome: Browser;
let r2: Bucket;
let photos: PhotoServer;
let database: string;
let service: Service;
let url: string;

beforeAll(async () => {
  chrome = await browser();
  r2 = await bucket();
});

afterAll(async () => {
  await chrome.close();
  await r2.close();
});

beforeEach(async () => {
  const base = folder();
  mkdirSync(join(base, 'state'));
  database = newer(base, []);
  sqlite(
    database,
    `CREATE TABLE user_roles (id TEXT PRIMARY KEY, user_token TEXT, role TEXT, is_active INTEGER);
     INSERT INTO user_roles VALUES ('1', '${people.roleAdmin}', 'admin', 1), ('2', '${people.clerkAdmin}', 'admin', 1);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
       INSERT INTO artwork SELECT printf('b1000000-0000-4000-8000-%012d', i), 'Bench ' || i, NULL, 49.2, -123.2, NULL,
         NULL, 'approved' FROM n;
     UPDATE artwork SET photos = NULL; UPDATE artists SET photos = NULL; UPDATE submissions SET photos = NULL;
     ${works(0, 12, 'fast')} ${works(12, 16, 'slow')}`,
  );
  const colours = { width: 1200, height: 900, channels: 3, background: '#8a5a44' } as const;
  photos = new PhotoServer(await sharp({ create: colours }).jpeg().toBuffer());
  await r2.empty();
  service = await serve({
    ADMIN_PORT: String(await freePort()),
    ADMIN_PLATFORM_ROWS: '1',
    ADMIN_JWT_ISSUER: issuer,
    ADMIN_JWT_KEY: publicKey,
    ADMIN_JWT_AUTHORIZED_PARTIES: panelOrigin,
    ADMIN_JWT_ORGANIZATION_ID: 'org_ours',
    SOURCE_DATABASE_FILE: database,
    SOURCE_PHOTOS_URL: await photos.url(),
    ADMIN_STATE_DIR: join(base, 'state'),
    BACKUP_OUTPUT_DIR: join(base, 'backups'),
    ...r2.env,
  });
  url = `${service.url}/admin/`;
});

afterEach(async () => {
  await Promise.all(chrome.contexts().map((context) => context.close()));
  photos.close();
  r2.wire.mend();
  await stopServices();
  removeFolders();
});

/** Statement that adds approved works with a photo each. */
function works(from: number, to: number, speed: string): string {
  return `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})
    INSERT INTO artwork SELECT printf('b0000000-0000-4000-8000-%012d', i), 'Work ' || i, 'By the river', 49.1, -123.1,
      '{"artwork_type":"mural"}', printf('["originals/${speed}/%d.jpg"]', i), 'approved' FROM n;`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A browser of somebody's own; whatever its pages complain of fails the test. */
async function visit(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await chrome.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

async function signIn(page: Page, token: string = people.roleAdmin): Promise<Page> {
  await page.getByLabel('Administrator’s token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Generate Data Dump' }).waitFor();
  await page.getByText('Loading').first().waitFor({ state: 'detached' });
  return page;
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const notice = (page: Page, title: string | RegExp) =>
  page.getByRole('status').filter({ hasText: title });
const alarm = (page: Page, title: string | RegExp) =>
  page.getByRole('alert').filter({ hasText: title });
const rows = (page: Page) => page.getByRole('table').getByRole('row').filter({ hasText: '.zip' });

async function generate(page: Page): Promise<void> {
  await button(page, 'Generate Data Dump').click();
}

/** Starts a dump that stands still in the middle of its thumbnails. */
async function halfway(page: Page): Promise<void> {
  photos.hold();
  await generate(page);
  await page.getByText(/^Making thumbnails$/).waitFor();
}

/** The state is one that anybody can use, and is kept as a picture. */
async function fine(page: Page, name: string): Promise<void> {
  expect(await barriers(page)).toEqual([]);
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(overflow)).toBe(0);
  if (pictures !== undefined) {
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }
}

it('refuses who is no admin, and says why', async () => {
  const page = await visit();
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
  const page = await signIn(await visit({ acceptDownloads: true }));
  await page.getByText('No data dump has been published yet').waitFor();
  await fine(page, 'empty');

  await halfway(page);
  const bar = page.getByRole('progressbar');
  await page.getByText(/\d+ of 16/).waitFor();
  expect(await bar.getAttribute('aria-valuetext')).toMatch(/^Making thumbnails \d+ of 16$/);
  await page.getByText(/0:0[1-9] elapsed/).waitFor();
  await fine(page, 'running');
  photos.release();

  await notice(page, /^Published: datadump-/).waitFor();
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
  const page = await signIn(await visit());
  await halfway(page);
  await button(page, 'Cancel').click();
  await notice(page, 'Cancelled. Nothing was published').waitFor();
  await page.getByText('No data dump has been published yet').waitFor();
  expect(await r2.keys()).not.toContain('public-data-dumps/latest.json');
  photos.release();
  await generate(page);
  await notice(page, /^Published/).waitFor();
});

it('goes on after a reload in the middle, and tells what became of the job after another', async () => {
  const page = await signIn(await visit());
  await halfway(page);
  await page.reload();
  await page.getByText(/^Making thumbnails$/).waitFor();
  expect(await page.getByText('Somebody else').count()).toBe(0);
  photos.release();
  await notice(page, /^Published/).waitFor();
  await page.reload();
  await notice(page, /^Published/).waitFor();
  await button(page, 'Put this message away').click();
  await page.reload();
  await rows(page).waitFor();
  expect(await notice(page, /^Published/).count()).toBe(0);
});

it('shows a second admin the job of the first, and lets nobody start another', async () => {
  const first = await signIn(await visit());
  const second = await signIn(await visit(), people.clerkAdmin);
  await halfway(first);
  await generate(second);
  await second.getByText('Somebody else is making a data dump').waitFor();
  await second.getByText(/^Making thumbnails$/).waitFor();
  expect(await button(second, 'Make Private Backup').getAttribute('aria-disabled')).toBe('true');
  await fine(second, 'somebody-else');
  photos.release();
  await notice(first, /^Published/).waitFor();
  await notice(second, /^Published/).waitFor();
  await rows(second).waitFor();
  expect(await rows(second).count()).toBe(1);
});

it('asks before the job of somebody else is cancelled', async () => {
  const first = await signIn(await visit());
  const second = await signIn(await visit(), people.clerkAdmin);
  await halfway(first);
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
  photos.release();
});

it('asks to sign in again when the session has expired, and finds the job still running', async () => {
  const page = await visit();
  await signIn(page, jwt({ exp: Math.floor(Date.now() / 1000) + 2 }));
  await halfway(page);
  await page.waitForTimeout(8000);
  await button(page, 'Refresh').click();
  await page.getByText('Your session has ended').waitFor();
  await fine(page, 'expired');
  photos.release();
  await signIn(page, jwt());
  await notice(page, /^Published/).waitFor();
});

it('says that the storage is down, keeps a finished dump, and sends it again', async () => {
  const page = await signIn(await visit());
  await halfway(page);
  r2.wire.cut();
  photos.release();
  const waiting = notice(page, 'A finished dump waits');
  await waiting.waitFor({ timeout: 50_000 });
  await button(page, 'Refresh').click();
  await alarm(page, 'The list could not be read').waitFor();
  await fine(page, 'storage-down');
  await button(page, 'Send it again').click();
  await alarm(page, 'It could not be published').waitFor();
  r2.wire.mend();
  await button(page, 'Send it again').click();
  await notice(page, /^Published/).waitFor();
  await waiting.waitFor({ state: 'detached' });
  await rows(page).waitFor();
});

it('tells an incomplete dump from a complete one', async () => {
  photos.refused.add('/slow/13.jpg');
  const page = await signIn(await visit());
  await generate(page);
  await notice(page, 'Published, but incomplete').waitFor();
  await rows(page).getByText('Incomplete').waitFor();
  await fine(page, 'incomplete');
});

it('publishes a shrunken dump only when told to', async () => {
  const page = await signIn(await visit());
  await generate(page);
  await notice(page, /^Published/).waitFor();
  sqlite(database, `DELETE FROM artwork WHERE id LIKE 'b%'`);
  await generate(page);
  const shrunk = notice(page, 'lost much of what the last one had');
  await shrunk.getByText('3 artworks instead of 43').waitFor();
  await shrunk.getByText('Published now: 43 artworks').waitFor();
  await fine(page, 'shrunken');
  await button(page, 'Publish anyway').click();
  await notice(page, /^Published/)
    .getByText('3 artworks,')
    .waitFor();
});

it('shows a dump before it is published, publishes it, and takes it back', async () => {
  const page = await signIn(await visit());
  await page.getByLabel('Let me look at it before it is published').check();
  await generate(page);
  const review = notice(page, 'Ready for review');
  await review.getByText('43 artworks').waitFor();
  await review.getByText('The first records').click();
  await review.getByText('"title": "It\'s a work"').first().waitFor();
  expect(await r2.keys()).not.toContain('public-data-dumps/latest.json');
  await fine(page, 'review');
  await page.reload();
  await button(page, 'Publish').click();
  await notice(page, /^Published/).waitFor();

  await button(page, /^Take back/).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await fine(page, 'take-back');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await rows(page).count()).toBe(1);
  await button(page, /^Take back/).click();
  await button(page, 'Take it back').click();
  await page.getByText('No data dump has been published yet').waitFor();
  expect((await r2.keys()).filter((key) => key.endsWith('.zip'))).toEqual([]);
});

it('makes a private backup that no link leads to', async () => {
  const page = await signIn(await visit());
  await page.getByText('there is none yet').waitFor();
  await button(page, 'Make Private Backup').click();
  await notice(page, 'Backup made and tried').waitFor();
  await page.getByText(/Last good backup: just now/).waitFor();
  const card = page.getByRole('region', { name: 'Private backup' });
  expect(await card.getByRole('link').count()).toBe(0);
  await fine(page, 'backup');
  expect((await r2.keys()).filter((key) => key.includes('backup-'))).toEqual([]);
});

it.each([
  ['a phone', { viewport: phone }],
  ['a phone in the dark', { viewport: phone, colorScheme: 'dark' }],
  ['a screen in the dark', { colorScheme: 'dark' }],
] as const)('works on %s', async (name, options) => {
  const page = await signIn(await visit(options));
  const file = name.replaceAll(' ', '-');
  await halfway(page);
  await fine(page, `${file}-running`);
  photos.release();
  await notice(page, /^Published/).waitFor();
  await rows(page).waitFor();
  await fine(page, file);
});

it('works by keyboard alone', async () => {
  const page = await visit();
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const focused = (): Promise<string> =>
    page.evaluate(
      'document.activeElement === document.body ? "" : document.activeElement.textContent',
    );
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let n = 0; n < 30 && !name.test(await focused()); n += 1) await press('Tab');
    expect(await focused()).toMatch(name);
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe(
      'none',
    );
  };
  await page.keyboard.type(people.roleAdmin);
  await press('Enter');
  await button(page, 'Generate Data Dump').waitFor();
  photos.hold();
  await tabTo(/Generate Data Dump/);
  await press('Enter');
  await page.getByText(/^Making thumbnails$/).waitFor();
  await tabTo(/^\s*Cancel\s*$/);
  await press('Enter');
  await notice(page, 'Cancelled').waitFor();
  photos.release();
  await page.keyboard.press('Shift+Tab');
  for (let n = 0; n < 30 && !(await focused()).includes('Generate Data Dump'); n += 1) {
    await press('Shift+Tab');
  }
  await press('Space');
  await rows(page).waitFor();
  await tabTo(/^\s*Take back\s*$/);
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(/Take it back/);
  await press('Enter');
  await page.getByText('No data dump has been published yet').waitFor();
});

it.each([
  ['breaks', 'abort'],
  ['keeps', 'hang'],
] as const)('goes on by asking when a proxy %s the stream of events', async (_, fate) => {
  const page = await visit();
  await page.route('**/events', (route) => (fate === 'abort' ? route.abort() : undefined));
  await signIn(page);
  await halfway(page);
  await page.getByText(/\d+ of 16/).waitFor();
  photos.release();
  await notice(page, /^Published/).waitFor();
});

it('says that the service cannot be reached, and finds the job again', async () => {
  const page = await signIn(await visit());
  await page.route('**/events', (route) => route.abort());
  await halfway(page);
  await page.route('**/api/**', (route) => route.abort());
  await notice(page, 'cannot be reached at the moment').waitFor();
  await fine(page, 'away');
  photos.release();
  await page.unroute('**/api/**');
  await notice(page, /^Published/).waitFor();
});

it('stands in another panel that signs people in by itself', async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createApp, h } from 'vue';
        import DataDumpManager from './dist/component/DataDumpManager.mjs';
        const authorize = async () => ({ authorization: 'Bearer ' + window.name });
        const onSignedOut = () => { document.title = 'signed out'; };
        createApp({ render: () => h(DataDumpManager, { authorize, onSignedOut }) }).mount('#host');`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const page = await visit();
  await page.route('**/host', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><html lang="en"><title>Host</title><main id="host"></main>`,
    }),
  );
  await page.goto(`${service.url}/host`);
  await page.addStyleTag({ path: join(root, 'dist/component/style.css') });
  await page.evaluate(`window.name = '${people.roleAdmin}'`);
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  await generate(page);
  await notice(page, /^Published/).waitFor();
  await page.evaluate('window.name = "eyJhbGciOiJub25lIn0.e30."');
  await button(page, 'Refresh').click();
  await page.waitForFunction('document.title === "signed out"');
});

it('serves its page under a policy that allows nothing inline, and gives nobody away', async () => {
  const page = await signIn(await visit());
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  await generate(page);
  await notice(page, /^Published/).waitFor();
  expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  const answer = await fetch(url);
  expect(answer.headers.get('content-security-policy')).toMatch(
    /script-src 'self'; style-src 'self'/,
  );
  expect(service.output()).not.toContain(people.roleAdmin);
  for (const key of await r2.keys()) {
    expect((await r2.read(key))?.includes(people.roleAdmin)).toBe(false);
  }
});
