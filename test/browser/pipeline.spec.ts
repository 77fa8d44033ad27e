import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe.skipIf(missing('chromium'))('sample 05-pipeline', () => {
  let sample: RunningSample;
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([startSample('05-pipeline'), launchChromium()]);
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

  async function fill(page: Page, fields: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) {
      await page.locator(`input[name="${name}"]`).fill(value);
    }
    await page.getByRole('button', { name: 'Place order' }).click();
  }

  const seen = (page: Page): Promise<string[]> => page.locator('.witness li').allTextContents();

  describe.each(['classic', 'core'] as const)('with a %s client', (family) => {
    let page: Page;

    beforeEach(async () => {
      page = await openPage(browser, complaints, `${sample.url}?client=${family}`);
      await page.locator('.state[data-state="connected"]').waitFor();
    });

    afterEach(() => page.close());

    test('a good order goes through interceptor and modules', async () => {
      await fill(page, { email: 'ann@example.com', product: 'apple', count: '2' });
      await page
        .locator('.receipt', {
          hasText: /^Ordered 2 × apple for ann@example.com; \d+ left. It took \d+\.\d\d ms\.$/,
        })
        .waitFor();
      await expect.poll(() => seen(page)).toHaveLength(2);
      const [before, after] = await seen(page);
      expect(before).toBe('before place({"email":"ann@example.com","product":"apple","count":2})');
      // Modules run inside of interceptors: they see what the method has returned.
      expect(after).toMatch(/^after: \{"text":"2 × apple for ann@example\.com","left":\d+\}$/);
    });

    test('LoggingPipelineModule logs who comes, what is called and what fails', async () => {
      const before = sample.log.length;
      const logged = (): string => sample.log.slice(before).join('\n');
      await page.reload();
      await expect.poll(logged).toMatch(/connection \S+ has connected to shop/);
      await page.locator('.state[data-state="connected"]').waitFor();
      await fill(page, { email: 'ann@example.com', product: 'apple', count: '1' });
      await expect.poll(logged).toMatch(/shop\.place took \d+\.\d ms for connection \S+/);
      await fill(page, { email: 'ann@example.com', product: 'durian', count: '1' });
      await expect.poll(logged).toContain('and failed: Sorry, there are only 0 of durian left.');
    });

    test('broken rules stand beside their fields, and modules never see the call', async () => {
      await fill(page, { email: 'nobody', product: 'pear', count: '99' });
      await page.locator('[data-field="email"]', { hasText: 'email must be an e-mail address' }).waitFor();
      await page
        .locator('[data-field="product"]', { hasText: 'product must be one of apple, banana, durian' })
        .waitFor();
      await page.locator('[data-field="count"]', { hasText: 'count must be at most 10' }).waitFor();
      expect(await page.locator('.error').isHidden()).toBe(true);
      expect(await seen(page)).toEqual([]);
      await fill(page, { email: 'ann@example.com', product: 'banana', count: '1' });
      await page.locator('.receipt', { hasText: '1 × banana' }).waitFor();
      expect(await page.locator('.broken').allTextContents()).toEqual(['', '', '']);
    });

    test('onIncomingError sees what happened, and says what clients may read', async () => {
      await fill(page, { email: 'ann@example.com', product: 'durian', count: '3' });
      await page.locator('.error', { hasText: 'Sorry, there are only 0 of durian left.' }).waitFor();
      await page
        .locator('.witness .failed', { hasText: `error: select * from stock where product = 'durian'` })
        .waitFor();
      expect(await page.locator('.error').textContent()).not.toContain('select');
    });

    test('of a crash the client learns nothing', async () => {
      await page.getByRole('button', { name: 'Crash' }).click();
      await page.locator('.witness .failed', { hasText: 'Cannot read properties of undefined' }).waitFor();
      await page.locator('.error', { hasText: /error (?:occurred )?invoking/ }).waitFor();
      expect(await page.locator('.error').textContent()).not.toContain('customer');
    });
  });
});
