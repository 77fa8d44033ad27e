import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe.skipIf(missing('chromium'))('sample 02-stock-ticker', () => {
  let sample: RunningSample;
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([
      startSample('02-stock-ticker', { TICK_INTERVAL: '20' }),
      launchChromium(),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    sample?.stop();
  });

  beforeEach(() => {
    complaints = [];
  });

  afterEach(() => {
    expect(complaints).toEqual([]);
  });

  async function open(client: 'classic' | 'core'): Promise<Page> {
    const page = await openPage(browser, complaints, `${sample.url}?client=${client}`);
    await page.locator('.state[data-state="connected"]').waitFor();
    await expect.poll(() => page.getByRole('checkbox', { checked: true }).count()).toBe(3);
    return page;
  }

  const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name }).click();

  const marketOf = (page: Page): Promise<string | null> => page.locator('.market-state').textContent();

  const priceOf = (page: Page, symbol: string): Promise<string | null> =>
    page.locator(`[data-symbol="${symbol}"] td`).nth(2).textContent();

  async function waitForMove(page: Page, symbol: string): Promise<void> {
    const before = await priceOf(page, symbol);
    await expect.poll(() => priceOf(page, symbol), { timeout: 10_000 }).not.toBe(before);
  }

  test.each([
    ['classic', 'core'],
    ['core', 'classic'],
  ] as const)('a %s client runs the market, a %s client looks on', async (one, other) => {
    const [trader, watcher] = [await open(one), await open(other)];
    expect([await marketOf(trader), await marketOf(watcher)]).toEqual(['closed', 'closed']);

    await press(trader, 'Open market');
    await expect.poll(() => marketOf(watcher)).toBe('open');
    for (const symbol of ['MSFT', 'AAPL', 'GOOG']) {
      await waitForMove(watcher, symbol);
    }

    await watcher.getByRole('checkbox', { name: 'Follow AAPL' }).uncheck();
    await waitForMove(trader, 'AAPL');
    const left = await priceOf(watcher, 'AAPL');
    await waitForMove(watcher, 'MSFT');
    await waitForMove(trader, 'AAPL');
    expect(await priceOf(watcher, 'AAPL')).toBe(left);
    await watcher.getByRole('checkbox', { name: 'Follow AAPL' }).check();
    await waitForMove(watcher, 'AAPL');

    await press(watcher, 'Reset');
    await watcher.getByText('Close the market before you reset it.').waitFor();
    await press(watcher, 'Close market');
    await expect.poll(() => marketOf(trader)).toBe('closed');
    await press(watcher, 'Reset');
    for (const page of [trader, watcher]) {
      await expect.poll(() => priceOf(page, 'MSFT')).toBe('430.25');
    }
    await Promise.all([trader.close(), watcher.close()]);
  });
});
