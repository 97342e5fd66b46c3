/** The browser that people have, without its window. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Chromium from the PATH; elsewhere the Chrome that is installed. */
export async function browser(): Promise<Browser> {
  const executablePath = installed();
  const options = {
    ...(executablePath === undefined ? { channel: 'chrome' } : { executablePath }),
    // A container's root has no sandbox.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  };
  // Now and then Chromium itself crashes as it starts.
  return chromium.launch(options).catch(() => chromium.launch(options));
}

/** What axe finds wrong with a page, as rule and element. */
export async function barriers(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
