/** The panel in a browser, before the real service, the real addon and a real bucket; and what an admin does there. */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';

import { folder, removeFolders } from '../../support';
import { barriers, browser } from '../browser';
import { PhotoServer } from '../photo-server';
import { newer } from '../platform';
import { sqlite } from '../tools';
import { type Bucket, bucket } from './bucket';
import { issuer, panelOrigin, publicKey } from './callers';
import { people } from './people';
import { serve, type Service, stopServices } from './service';

/** Where pictures of the main states go, for the README. */
const pictures = process.env['CAB_SCREENSHOTS'];
export const phone = { width: 375, height: 740 };

interface Stage {
  readonly r2: Bucket;
  readonly photos: PhotoServer;
  /** The platform's database: 43 approved works, 16 of them with a photo. */
  readonly database: string;
  readonly service: Service;
  readonly url: string;
  /** A browser of somebody's own; whatever its pages complain of fails the test. */
  readonly visit: (options?: BrowserContextOptions) => Promise<Page>;
  /** Starts a dump that stands still in the middle of its thumbnails. */
  readonly halfway: (page: Page) => Promise<void>;
}

/** A stage for the tests of a spec, set anew for each; or once for all of them, which change nothing there. */
export function panelStage(set: 'for each' | 'once' = 'for each'): Stage {
  let chrome: Browser;
  let r2: Bucket;
  let photos: PhotoServer;
  let database: string;
  let service: Service;

  const [before, after] = set === 'once' ? [beforeAll, afterAll] : [beforeEach, afterEach];

  beforeAll(async () => {
    chrome = await browser();
    r2 = await bucket();
  });

  before(async () => {
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
    service = await serveAtFreePort({
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
  });

  afterEach(async () => {
    await Promise.all(chrome.contexts().map((context) => context.close()));
  });

  after(async () => {
    photos.close();
    r2.wire.mend();
    await stopServices();
    removeFolders();
  });

  afterAll(async () => {
    await chrome.close();
    await r2.close();
  });

  return {
    get r2() {
      return r2;
    },
    get photos() {
      return photos;
    },
    get database() {
      return database;
    },
    get service() {
      return service;
    },
    get url() {
      return `${service.url}/admin/`;
    },
    async visit(options = {}) {
      const context = await chrome.newContext({
        viewport: { width: 1200, height: 900 },
        ...options,
      });
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      page.on('pageerror', (error) => {
        throw error;
      });
      await page.goto(`${service.url}/admin/`);
      return page;
    },
    async halfway(page) {
      photos.hold();
      await generate(page);
      await page.getByText(/^Making thumbnails$/).waitFor();
    },
  };
}

/** A browser of somebody's own whose pages wait for a second at most where they would wait for longer. */
export async function hasty(stage: Stage): Promise<Page> {
  const page = await stage.visit();
  await page.addInitScript(`
    for (const name of ['setInterval', 'setTimeout']) {
      const real = window[name];
      window[name] = (work, ms, ...more) => real.call(window, work, Math.min(ms ?? 0, 1000), ...more);
    }`);
  await page.reload();
  return page;
}

export async function signIn(page: Page, token: string = people.roleAdmin): Promise<Page> {
  await page.getByLabel('Administrator’s token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Generate Data Dump' }).waitFor();
  await page.getByText('Loading').first().waitFor({ state: 'detached' });
  return page;
}

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
export const notice = (page: Page, title: string | RegExp) =>
  page.getByRole('status').filter({ hasText: title });
export const alarm = (page: Page, title: string | RegExp) =>
  page.getByRole('alert').filter({ hasText: title });
export const rows = (page: Page) =>
  page.getByRole('table').getByRole('row').filter({ hasText: '.zip' });

export async function generate(page: Page): Promise<void> {
  await button(page, 'Generate Data Dump').click();
}

/** The state is one that anybody can use, and is kept as a picture. */
export async function fine(page: Page, name: string): Promise<void> {
  expect(await barriers(page)).toEqual([]);
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(overflow)).toBe(0);
  if (pictures !== undefined) {
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }
}

/** Statement that adds approved works with a photo each. */
function works(from: number, to: number, speed: string): string {
  return `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})
    INSERT INTO artwork SELECT printf('b0000000-0000-4000-8000-%012d', i), 'Work ' || i, 'By the river', 49.1, -123.1,
      '{"artwork_type":"mural"}', printf('["originals/${speed}/%d.jpg"]', i), 'approved' FROM n;`;
}

/** Its page has to know its port. Until it listens there somebody else may have taken that, such as another spec. */
async function serveAtFreePort(env: Readonly<Record<string, string>>): Promise<Service> {
  for (;;) {
    try {
      return await serve({ ...env, ADMIN_PORT: String(await freePort()) });
    } catch (error) {
      if (!String(error).includes('EADDRINUSE')) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
