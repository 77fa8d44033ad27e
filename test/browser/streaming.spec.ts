import { createHash } from 'node:crypto';

import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe.skipIf(missing('chromium'))('sample 06-streaming', () => {
  let sample: RunningSample;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([startSample('06-streaming'), launchChromium()]);
  });

  afterAll(async () => {
    await browser?.close();
    sample?.stop();
  });

  beforeEach(async () => {
    complaints = [];
    page = await openPage(browser, complaints, sample.url);
    await page.locator('#core-state[data-state="connected"]').waitFor();
    await page.locator('#classic-state[data-state="connected"]').waitFor();
  });

  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const count = async (): Promise<number> => Number(await page.locator('.count').textContent());

  test('[core 176] a chart moves while it is watched, and the server stops when it is not', async () => {
    await page.getByRole('button', { name: 'Watch' }).click();
    await expect.poll(count).toBeGreaterThan(5);
    expect(await page.locator('.chart polyline').getAttribute('points')).toMatch(/^0,[\d.]+ 1\.26/);
    await page.getByRole('button', { name: 'Stop' }).click();
    const watchers = (): Promise<number> =>
      page.evaluate(async () => {
        const { signalR } = window as unknown as { signalR: typeof import('@microsoft/signalr') };
        const connection = new signalR.HubConnectionBuilder().withUrl('/signalr/lab').build();
        await connection.start();
        const number = await connection.invoke<number>('watchers');
        await connection.stop();
        return number;
      });
    await expect.poll(watchers).toBe(0);
    const before = await count();
    await page.getByRole('button', { name: 'Watch' }).click();
    await expect.poll(count).toBeGreaterThan(before);
  });

  test('[core 176] a file goes up in pieces, and its progress comes back', async () => {
    const data = Buffer.alloc(200_000, 'streams ');
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: 'file.txt', mimeType: 'text/plain', buffer: data });
    const hash = createHash('sha256').update(data).digest('hex');
    await page.locator('.hash', { hasText: `sha256 ${hash}` }).waitFor();
    expect(await page.locator('input + progress').evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(
      1,
    );
  });

  test('[core 176] the server asks, and waits for the answer', async () => {
    await page.getByRole('button', { name: 'Reset the lab' }).click();
    await page.locator('.question', { hasText: 'Reset the lab?' }).waitFor();
    await page.getByRole('button', { name: 'No' }).click();
    await page.locator('.outcome', { hasText: 'Nothing was done.' }).waitFor();
    await page.getByRole('button', { name: 'Reset the lab' }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.locator('.outcome', { hasText: 'The lab was reset.' }).waitFor();
    expect(await page.locator('.yes').isHidden()).toBe(true);
  });

  test('the classic client shows progress', async () => {
    await page.getByRole('button', { name: 'Calibrate' }).click();
    await page.locator('.calibrated', { hasText: 'Calibrated.' }).waitFor();
    expect(await page.locator('.calibration').evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(1);
  });
});
