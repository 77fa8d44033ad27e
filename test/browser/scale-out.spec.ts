import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

/** More than one: without the second probe nobody would be told of what else is missing. */
const isMissing = [missing('chromium'), missing('redis')].includes(true);

/** What a client says of its numbers. */
type Figure = 'last' | 'received' | 'gaps' | 'doubles' | 'signalled';

describe.skipIf(isMissing)('sample 07-scale-out', () => {
  let sample: RunningSample;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([startSample('07-scale-out'), launchChromium()]);
  });

  afterAll(async () => {
    await browser?.close();
    sample?.stop();
  });

  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage();
    // Lines that break are what this page is about: what the browser says of them to the console is none of our business.
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(sample.url);
  });

  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const clients = ['#classic', '#core'];
  const nodes = ['A', 'B', 'C'];

  const figure = async (client: string, name: Figure): Promise<number> =>
    Number(await page.locator(`${client} .${name}`).textContent());

  const row = (node: string): Locator => page.locator(`tr[data-node="${node}"]`);

  const startsOf = async (node: string): Promise<number> =>
    Number(await row(node).locator('.starts').textContent());

  /** Waits until a node runs in another process than before. */
  const expectRestart = async (node: string, before: number): Promise<void> => {
    await expect.poll(() => startsOf(node), { timeout: 30_000 }).toBeGreaterThan(before);
    await row(node).locator('.state[data-state="running"]').waitFor();
  };

  /** Waits until both clients have what is said from now on. */
  const expectTicks = async (): Promise<void> => {
    const last = Math.max(...(await Promise.all(clients.map((client) => figure(client, 'last')))));
    for (const client of clients) {
      await expect.poll(() => figure(client, 'last'), { timeout: 30_000 }).toBeGreaterThan(last + 10);
    }
  };

  test.each([
    ['webSockets', 'WebSockets'],
    ['serverSentEvents', 'ServerSentEvents'],
    ['longPolling', 'LongPolling'],
  ])('over %s numbers come without gaps while nodes are replaced and killed', async (classic, core) => {
    await page.locator('#classic select').selectOption(classic);
    await page.locator('#core select').selectOption(core);
    for (const client of clients) {
      await page.locator(`${client} .state[data-state="connected"]`).waitFor();
    }
    await expect.poll(() => figure('#classic', 'received'), { timeout: 30_000 }).toBeGreaterThan(10);
    await expect.poll(() => figure('#core', 'received'), { timeout: 30_000 }).toBeGreaterThan(10);

    const starts = await Promise.all(nodes.map(startsOf));
    await page.getByRole('button', { name: 'Restart one by one' }).click();
    for (const [index, node] of nodes.entries()) {
      await expectRestart(node, starts[index] as number);
    }
    await expectTicks();

    for (const client of clients) {
      const node = (await page.locator(`${client} .node`).textContent()) as string;
      const before = await startsOf(node);
      await row(node).getByRole('button', { name: 'kill -9' }).click();
      await expectRestart(node, before);
      await expectTicks();
    }

    for (const client of clients) {
      expect(await page.locator(`${client} .path`).textContent()).toContain('→');
      expect(await figure(client, 'gaps')).toBe(0);
      expect(await figure(client, 'doubles')).toBe(0);
    }
    expect(await figure('#classic', 'signalled')).toBe(0);
    // Nobody has said so little that there was nothing to miss.
    expect(await figure('#core', 'signalled')).toBeGreaterThan(0);
  });
});
