import { Controller, Get, HttpCode } from '@nestjs/common';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { platforms } from '../support/app.js';
import { launchChromium } from '../support/browser.js';
import { ClassicPageClient } from '../support/classic-page.js';
import { type ClassicTransportName, classicTransports } from '../support/classic-transports.js';
import { Farm } from '../support/farm.js';
import { farmEvents, FarmHub } from '../support/farm-hub.js';
import { take } from '../support/inbox.js';
import { missing } from '../support/requirements.js';

@Controller()
class IconController {
  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

describe.skipIf(missing('chromium'))('jquery.signalR in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('and three servers on %s without sticky sessions', (platform) => {
    let farm: Farm;
    let client: ClassicPageClient;

    beforeEach(async () => {
      farmEvents.clear();
      farm = await Farm.start(3, { platform, hubs: [FarmHub], controllers: [IconController] });
    });

    afterEach(async () => {
      await client.close();
      await farm.close();
      expect(farm.logged).toEqual([]);
      expect(client.complaints).toEqual([]);
    });

    async function connect(transport: ClassicTransportName): Promise<void> {
      client = await ClassicPageClient.start(browser, `${farm.url}/signalr`, { hub: 'farm', transport });
      expect(await farmEvents.next('the greeting')).toBe('connected');
    }

    test.each(classicTransports)('%s: calls, is called, and says goodbye', async (transport) => {
      await connect(transport);
      for (const value of [1, 'two', { three: [3] }, 4, 5]) {
        expect(await client.invoke('echo', value)).toEqual(value);
      }
      await client.invoke('join', 'room');
      for (const server of [0, 1, 2]) {
        await farm.hub(FarmHub, server).clients.group('room').hear(`group ${server}`);
        await farm.hub(FarmHub, server).clients.all.hear(`all ${server}`);
      }
      const texts = [0, 1, 2].flatMap((server) => [`group ${server}`, `all ${server}`]);
      expect(await take(client.heard, texts.length)).toEqual(texts);
      await client.stop();
      expect(await farmEvents.next('the goodbye')).toBe('disconnected true');
    });

    // Chromium does not tell a page that a frame of it broke off, as Internet Explorer does.
    const reconnecting = classicTransports.filter((transport) => transport !== 'foreverFrame');

    test.each(reconnecting)('%s: comes back to other servers and misses nothing', async (transport) => {
      await connect(transport);
      await client.invoke('join', 'room');
      for (let round = 0; round < 4; round++) {
        await farm.hub(FarmHub, 1).clients.group('room').hear(`before ${round}`);
        expect(await client.heard.next('what comes before')).toBe(`before ${round}`);
        const requests = farm.proxy.served.length;
        farm.proxy.breakAll();
        const texts = [0, 1, 2].map((server) => `missed ${round} ${server}`);
        for (const [server, text] of texts.entries()) {
          await farm.hub(FarmHub, server).clients.group('room').hear(text);
        }
        expect(await take(client.heard, texts.length)).toEqual(texts);
        expect(farm.proxy.served.length).toBeGreaterThan(requests);
      }
      await client.whenConnected();
      expect(await client.invoke('echo', 'still here')).toBe('still here');
      await client.stop();
      expect(await farmEvents.nextWhere('the goodbye', (event) => event !== 'reconnected')).toBe(
        'disconnected true',
      );
    });
  });
});
