import { fileURLToPath } from 'node:url';

import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

/** Where the screenshot of the README is kept. */
const screenshot = fileURLToPath(new URL('../../docs/images/chat.png', import.meta.url));

describe.skipIf(missing('chromium'))('sample 01-chat', () => {
  let sample: RunningSample;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([startSample('01-chat'), launchChromium()]);
  });

  afterAll(async () => {
    await browser.close();
    sample.stop();
  });

  beforeEach(async () => {
    complaints = [];
    page = await openPage(browser, complaints, sample.url);
    await page.setViewportSize({ width: 1280, height: 640 });
    await expectText(panel('classic').locator('.state'), 'Connected');
    await expectText(panel('core').locator('.state'), 'Connected');
  });

  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const panel = (family: 'classic' | 'core', of: Page = page): Locator => of.locator(`#${family}`);

  async function expectText(locator: Locator, text: string | RegExp): Promise<void> {
    await locator.filter({ hasText: text }).first().waitFor({ timeout: 10_000 });
  }

  async function join(family: 'classic' | 'core', name: string): Promise<void> {
    await panel(family).getByLabel('Your name').fill(name);
    await panel(family).getByRole('button', { name: 'Join' }).click();
    await panel(family).getByLabel('Message', { exact: true }).waitFor();
  }

  async function say(family: 'classic' | 'core', text: string): Promise<void> {
    await panel(family).getByLabel('Message', { exact: true }).fill(text);
    await panel(family).getByRole('button', { name: 'Send' }).click();
  }

  test('both clients chat with each other', async () => {
    await expectText(panel('classic').locator('.wire'), 'Transport webSockets · protocol classic');
    await expectText(panel('core').locator('.wire'), 'Transport webSockets · protocol core');
    await join('classic', 'Ada Lovelace');
    await join('core', 'Grace Hopper');
    for (const family of ['classic', 'core'] as const) {
      await expectText(panel(family).locator('.announcement'), 'Ada Lovelace joined');
      await expectText(panel(family).locator('.announcement'), 'Grace Hopper joined');
      await expectText(panel(family).locator('.count'), '2 connected');
    }
    await say('classic', 'Hello! I am still on jquery.signalR from 2013.');
    await say('core', 'And I am on @microsoft/signalr 10. Same hub, same room.');
    for (const family of ['classic', 'core'] as const) {
      await expectText(panel(family).locator('.message'), /Ada Lovelace.*from 2013/s);
      await expectText(panel(family).locator('.message'), /Grace Hopper.*Same hub, same room/s);
    }
    await expectText(panel('classic').locator('.message.own'), 'from 2013');
    expect(await panel('core').locator('.message.own', { hasText: 'from 2013' }).count()).toBe(0);
    if (process.env.UPDATE_SCREENSHOT === '1') {
      await page.screenshot({ path: screenshot });
    }
  });

  test('the hub’s complaints are shown, markup is text', async () => {
    for (const family of ['classic', 'core'] as const) {
      await join(family, `Guest ${family}`);
      await say(family, '   ');
      await expectText(panel(family).locator('.toast'), 'Please enter a message.');
      await say(family, `<img src=x onerror=alert(1)> by ${family}`);
      await expectText(panel('core').locator('.bubble'), `<img src=x onerror=alert(1)> by ${family}`);
    }
    expect(await page.locator('.messages img').count()).toBe(0);
  });

  test('who leaves is announced, and the count falls', async () => {
    const other = await openPage(browser, complaints, sample.url);
    await expectText(panel('core').locator('.count'), '4 connected');
    await panel('classic', other).getByLabel('Your name').fill('Short Visit');
    await panel('classic', other).getByRole('button', { name: 'Join' }).click();
    await expectText(panel('core').locator('.announcement'), 'Short Visit joined');
    await panel('classic', other).getByRole('button', { name: 'Leave' }).click();
    await expectText(panel('core').locator('.announcement'), 'Short Visit left');
    await expectText(panel('core').locator('.count'), '3 connected');
    await other.close();
  });
});
