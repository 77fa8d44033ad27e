import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

import { chromiumPath } from './requirements.js';

/** Starts Chromium as CI can: without a screen, and without a sandbox because it runs as root. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath() as string, args: ['--no-sandbox'] });
}

/** Opens a page and collects what it complains about. */
export async function openPage(
  browser: Browser | BrowserContext,
  complaints: string[],
  url = 'about:blank',
): Promise<Page> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') {
      complaints.push(message.text());
    }
  });
  await page.goto(url);
  return page;
}
