import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

describe.skipIf(missing('chromium'))('sample 03-move-shape', () => {
  let sample: RunningSample;
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([startSample('03-move-shape'), launchChromium()]);
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

  const positionOf = (page: Page): Promise<string | null> => page.locator('.position output').textContent();

  async function open(client: 'classic' | 'core'): Promise<Page> {
    const page = await openPage(browser, complaints, `${sample.url}?client=${client}`);
    await page.locator('.state[data-state="connected"]').waitFor();
    await expect.poll(() => positionOf(page)).not.toBe('–');
    return page;
  }

  /** Drags the shape to a part of the board, in many small steps. */
  async function drag(page: Page, left: number, top: number): Promise<void> {
    const board = (await page.locator('.board').boundingBox())!;
    const shape = (await page.locator('.shape').boundingBox())!;
    await page.mouse.move(shape.x + shape.width / 2, shape.y + shape.height / 2);
    await page.mouse.down();
    await page.mouse.move(
      board.x + shape.width / 2 + left * (board.width - shape.width),
      board.y + shape.height / 2 + top * (board.height - shape.height),
      { steps: 40 },
    );
    await page.mouse.up();
  }

  test.each([
    ['classic', 'core'],
    ['core', 'classic'],
  ] as const)('what a %s client drags moves for a %s client, and not back', async (one, other) => {
    const [mover, watcher] = [await open(one), await open(other)];
    await mover.evaluate(() => {
      const output = document.querySelector('.position output')!;
      const seen: string[] = ((window as unknown as { seen: string[] }).seen = []);
      new MutationObserver(() => seen.push(output.textContent ?? '')).observe(output, { childList: true });
    });
    await drag(mover, 0.25, 0.75);
    const there = await positionOf(mover);
    expect(there).toMatch(/^2\d %, 7\d %$/);
    await expect.poll(() => positionOf(watcher)).toBe(there);

    await watcher.locator('.shape').focus();
    await watcher.keyboard.press('ArrowRight');
    const moved = await positionOf(watcher);
    expect(moved).not.toBe(there);
    await expect.poll(() => positionOf(mover)).toBe(moved);

    // The mover saw its own way and then what the other did: nothing of its own came back.
    const seen = await mover.evaluate(() => (window as unknown as { seen: string[] }).seen);
    const lefts = seen.slice(0, -1).map((text) => Number.parseInt(text, 10));
    expect(lefts).toEqual(lefts.toSorted((a, b) => b - a));

    const late = await open(one);
    expect(await positionOf(late)).toBe(moved);
    await drag(watcher, 0.5, 0.5);
    await expect.poll(() => positionOf(late)).toBe(await positionOf(watcher));
    await Promise.all([mover, watcher, late].map((page) => page.close()));
  });

  test('a position that is none is refused', async () => {
    const page = await open('core');
    const text = await page.evaluate(async () => {
      const { signalR } = window as unknown as {
        signalR: { HubConnectionBuilder: new () => { withUrl(url: string): { build(): Hub } } };
      };
      interface Hub {
        start(): Promise<void>;
        stop(): Promise<void>;
        invoke(method: string, ...args: unknown[]): Promise<unknown>;
      }
      const hub = new signalR.HubConnectionBuilder().withUrl('/signalr/moveShape').build();
      await hub.start();
      const refusal = await hub.invoke('updateModel', { left: 'x' }).catch((error: Error) => error.message);
      await hub.stop();
      return refusal;
    });
    expect(text).toContain('A position needs two numbers.');
    complaints.splice(0);
    await page.close();
  });
});
