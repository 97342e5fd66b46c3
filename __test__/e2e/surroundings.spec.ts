/** Where the panel is used: on a phone, by keyboard alone, inside another panel, under its policy. */

import { join } from 'node:path';
import { build } from 'esbuild';
import type { BrowserContextOptions, Page } from 'playwright-core';

import { root } from '../support';
import { people } from '../support/admin/people';
import {
  alarm,
  button,
  fine,
  generate,
  notice,
  panelStage,
  phone,
  rows,
  signIn,
} from '../support/admin/panel';
import { barriers } from '../support/browser';

const stage = panelStage();

it.each([
  ['a phone', { viewport: phone }, 'Artworks 43'],
  ['a tablet', { viewport: { width: 768, height: 1024 } }, 'Artworks 43'],
  ['a phone in the dark', { viewport: phone, colorScheme: 'dark' }, 'Artworks 43'],
  // Here the column says it.
  ['a screen in the dark', { colorScheme: 'dark' }, '43'],
] as const)('works on %s', async (name, options, counted) => {
  const page = await signIn(await stage.visit(options));
  const file = name.replaceAll(' ', '-');
  await stage.halfway(page);
  await fine(page, `${file}-running`);
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
  await rows(page).waitFor();
  await rows(page).getByRole('cell', { name: counted, exact: true }).first().waitFor();
  await fine(page, file);
});

it('works by keyboard alone, and where a contrast theme leaves nothing of a background', async () => {
  const page = await stage.visit({ forcedColors: 'active' });
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
  stage.photos.hold();
  await tabTo(/Generate Data Dump/);
  expect(await page.evaluate('getComputedStyle(document.activeElement).borderTopWidth')).toBe(
    '1px',
  );
  await press('Enter');
  await page.getByText(/^Making thumbnails$/).waitFor();
  const bar = "getComputedStyle(document.querySelector('[role=progressbar]')).borderTopWidth";
  expect(await page.evaluate(bar)).toBe('1px');
  await tabTo(/^\s*Cancel\s*$/);
  await press('Enter');
  await notice(page, 'Cancelled').waitFor();
  stage.photos.release();
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

/** The manager in a panel that signs people in by itself, here with this token, and that has no styles. */
async function inAnother(token: string, options: BrowserContextOptions = {}): Promise<Page> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createApp, h, shallowRef } from 'vue';
        import DataDumpManager from './dist/component/DataDumpManager.mjs';
        const token = shallowRef(window.name);
        window.signIn = (given) => { window.signedOut = 0; token.value = given; };
        window.signedOut = 0;
        const onSignedOut = () => { window.signedOut += 1; };
        const as = (given) => async () => {
          if (given === '') throw new Error('no session');
          return { authorization: 'Bearer ' + given };
        };
        createApp({ render: () => h(DataDumpManager, { authorize: as(token.value), onSignedOut }) }).mount('#host');`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const page = await stage.visit(options);
  await page.route('**/host', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><html lang="ar" dir="rtl"><title>Host</title>
        <main><h1>Host</h1><div id="host"></div></main>`,
    }),
  );
  // What is asked every ten seconds is asked twice a second.
  await page.addInitScript(`
    const { setInterval } = window;
    window.setInterval = (look, ms) => setInterval.call(window, look, Math.min(ms, 500));`);
  await page.goto(`${stage.service.url}/host`);
  await page.addStyleTag({ path: join(root, 'dist/component/style.css') });
  await page.evaluate(`window.name = '${token}'`);
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  return page;
}

/** Signs somebody else in there, and counts anew how often the panel was told that a session has ended. */
const signInAnew = (page: Page, token: string): Promise<unknown> =>
  page.evaluate(`window.signIn('${token}')`);
const signedOut = (page: Page): Promise<unknown> => page.waitForFunction('window.signedOut > 0');

it('stands in another panel that signs people in by itself', async () => {
  const page = await inAnother(people.roleAdmin);
  await generate(page);
  await notice(page, /^Published/).waitFor();
  expect(await page.evaluate('getComputedStyle(document.querySelector("h2")).direction')).toBe(
    'ltr',
  );
  expect(await page.evaluate('document.querySelector("h2").closest("[lang]").lang')).toBe('en');
  const refused = (): Promise<unknown> =>
    page.waitForResponse((answer) => answer.url().endsWith('/jobs') && answer.status() === 401);
  // Whoever was told, and has to sign in, is left in peace until then.
  for (const token of ['eyJhbGciOiJub25lIn0.e30.', 'eyJhbGciOiJub25lIn0.e31.']) {
    await signInAnew(page, token);
    await signedOut(page);
    await refused();
    await refused();
    expect(await page.evaluate('window.signedOut')).toBe(1);
    await button(page, 'Refresh').click();
    await page.waitForFunction('window.signedOut === 2');
    // With this token the list is asked for, too: whatever else is asked with it then was asked before.
    const listed = page.waitForResponse(
      (answer) => answer.url().includes('/data-dumps?') && answer.ok(),
    );
    await signInAnew(page, people.roleAdmin);
    await listed;
  }
});

it('goes on in another panel once somebody is signed in again, without being mounted anew', async () => {
  const unknown = 'eyJhbGciOiJub25lIn0.e30.';
  const page = await inAnother(unknown);
  await signedOut(page);
  await signInAnew(page, people.roleAdmin);
  await page.getByText('No data dump has been published yet').waitFor();
  await page.getByText('there is none yet').waitFor();
  await page.route('**/events', (route) => route.abort());
  await stage.halfway(page);
  await signInAnew(page, unknown);
  await notice(page, 'The job does not need this page').waitFor();
  await page.waitForResponse((answer) => answer.status() === 401);
  expect(await page.evaluate('window.signedOut')).toBe(1);
  await signInAnew(page, people.roleAdmin);
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
});

it.each(['light', 'dark'] as const)(
  'looks in a panel without styles as on its own page: %s',
  async (colorScheme) => {
    const other = await inAnother(people.roleAdmin, { colorScheme });
    await generate(other);
    await notice(other, /^Published/)
      .getByRole('button')
      .click();
    // Not before: a page that sees the job, as one may where it takes long, tells of its end too.
    const own = await signIn(await stage.visit({ colorScheme }));
    for (const page of [other, own]) {
      await rows(page).waitFor();
      await page.getByText('Generate Data Dump').waitFor();
    }
    expect(await barriers(other)).toEqual([]);
    expect(await looks(other)).toEqual(await looks(own));
  },
);

/** How each element of the manager looks, but for what of it comes from the width and the letters of the page. */
function looks(page: Page): Promise<unknown> {
  return page.evaluate(`
    [...document.querySelector('[lang=en]:not(html)').querySelectorAll('*')].map((element) => {
      const style = getComputedStyle(element);
      const sides = ['top', 'right', 'bottom', 'left'];
      const names = [
        'color', 'background-color', 'font-size', 'font-weight', 'list-style-type', 'text-decoration-line',
        ...['width', 'style', 'color'].flatMap((what) => sides.map((side) => 'border-' + side + '-' + what)),
        ...['margin', 'padding'].flatMap((what) => sides.map((side) => what + '-' + side)),
      ];
      const look = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]));
      return { element: element.localName + '.' + element.getAttribute('class'), ...look };
    })`);
}

it('says so where the panel around it cannot say who somebody is', async () => {
  const page = await inAnother('');
  const said = /^This page could not tell the service who you are/;
  await alarm(page, 'The list could not be read').getByText(said).waitFor();
});

it('works where the browser is told to keep nothing of a site', async () => {
  const page = await stage.visit();
  await page.addInitScript(`
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
    // Firefox denies it along with them.
    window.BroadcastChannel = class { constructor() { throw new DOMException('denied', 'SecurityError'); } };`);
  await page.reload();
  await signIn(page);
  await stage.halfway(page);
  expect(await page.getByText('Somebody else').count()).toBe(0);
  stage.photos.release();
  await notice(page, /^Published/).waitFor();
});

it('keeps still for whom motion is too much, also while nobody knows how far a job is', async () => {
  const page = await stage.visit({ reducedMotion: 'reduce' });
  const running = { job_id: 'far', kind: 'data-dump', state: 'running', progress: null };
  await page.route('**/events', (route) => route.abort());
  for (const [path, data] of [
    [/jobs$/, { jobs: [], running }],
    [/jobs\/far$/, running],
  ] as const) {
    await page.route(path, (route) => route.fulfill({ json: { success: true, data } }));
  }
  await signIn(page);
  await page.getByRole('progressbar').waitFor();
  const moving = 'document.getAnimations().map(({ animationName }) => animationName)';
  expect(await page.evaluate(moving)).toEqual([]);
});

it('serves its page under a policy that allows nothing inline, and gives nobody away', async () => {
  const page = await stage.visit();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  // What would be inline is refused when the page is read.
  await page.reload();
  await signIn(page);
  await generate(page);
  await notice(page, /^Published/).waitFor();
  expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  const answer = await fetch(stage.url);
  expect(answer.headers.get('content-security-policy')).toMatch(
    /script-src 'self'; style-src 'self'/,
  );
  expect(stage.service.output()).not.toContain(people.roleAdmin);
  for (const key of await stage.r2.keys()) {
    expect((await stage.r2.read(key))?.includes(people.roleAdmin)).toBe(false);
  }
});
