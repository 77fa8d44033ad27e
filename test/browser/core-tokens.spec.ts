import { JwtService } from '@nestjs/jwt';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { coreTransports } from '../support/core-lines.js';
import {
  coreEncodings,
  CorePageController,
  invokeInPage,
  startInPage,
  stopInPage,
} from '../support/core-page.js';
import {
  ANN,
  ANN_CLAIMS,
  AuthModule,
  JwtAuthGuard,
  SecuredHub,
  tokenPlaces,
  watchTokens,
} from '../support/jwt-login.js';
import { missing } from '../support/requirements.js';

const url = '/signalr/secured';

describe.skipIf(missing('chromium'))('passport with JWT, and @microsoft/signalr in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let token: string;
    let page: Page;

    beforeAll(async () => {
      app = await startApp({
        platform,
        hubs: [SecuredHub],
        imports: [AuthModule],
        providers: [JwtAuthGuard],
        controllers: [CorePageController],
        signalr: { hubProtocols: [new MessagePackHubProtocol()] },
      });
      token = app.app.get(JwtService).sign(ANN_CLAIMS);
    });

    afterAll(async () => {
      await app.close();
      expect(app.logged).toEqual([]);
    });

    beforeEach(async () => {
      page = await openPage(browser, [], `${app.url}/page`);
    });

    afterEach(() => page.close());

    test.each(coreEncodings)(
      '[core 181] $encoding over $transport: the token in the query and in headers means the same user',
      async ({ transport, encoding }) => {
        const places = watchTokens(app);
        await startInPage(page, { url, transport, encoding, accessToken: token });
        expect(await invokeInPage(page, 'who')).toEqual(ANN);
        await stopInPage(page);
        expect(places).toEqual(tokenPlaces.browser[transport]);
      },
    );

    test.each(coreTransports)('over %s, a forged token or none lets nobody in', async (transport) => {
      const forged = app.app.get(JwtService).sign(ANN_CLAIMS, { secret: 'another secret' });
      for (const accessToken of [forged, '']) {
        const attempt = startInPage(page, { url, transport, accessToken });
        await expect(attempt).rejects.toThrow("Status code '401'");
      }
    });

    test('without negotiation the token in the query of the upgrade decides', async () => {
      const places = watchTokens(app);
      const straight = { url, transport: 'WebSockets', skipNegotiation: true } as const;
      await startInPage(page, { ...straight, accessToken: token });
      expect(await invokeInPage(page, 'who')).toEqual(ANN);
      await stopInPage(page);
      expect(places).toEqual({ upgrade: 'query' });
      await expect(startInPage(page, straight)).rejects.toThrow('WebSocket failed to connect');
    });
  });
});
