/// <reference lib="dom" />
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Controller, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authorize, Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { CORE_PAGE, invokeInPage, startInPage, stopInPage } from '../support/core-page.js';
import { coreTransports } from '../support/core-lines.js';
import { missing } from '../support/requirements.js';

/** Who has come to the hub. Each file of tests runs in a process of its own. */
const visits: string[] = [];

@Hub('members')
@Authorize()
class MembersHub extends SignalRHub {
  override onConnected(): void {
    visits.push(this.context.userIdentifier as string);
  }

  @HubMethod()
  who(): string | undefined {
    return this.context.userIdentifier;
  }
}

/** The login: it leaves a cookie behind, whatever page asks for it. */
@Controller()
class LoginController {
  @Post('login')
  @HttpCode(204)
  login(
    @Query('cookie') attributes: string,
    @Res({ passthrough: true }) response: { header(name: string, value: string): unknown },
  ): void {
    response.header('Set-Cookie', `member=ann; Path=/; HttpOnly; ${attributes}`);
  }
}

/** The user that a cookie names; requests and upgrades alike bring it. */
function userOfCookie({ headers }: IncomingMessage): { id: string } | undefined {
  const [, id] = /(?:^|; )member=(\w+)/.exec(headers.cookie ?? '') ?? [];
  return id === undefined ? undefined : { id };
}

/** A front end elsewhere: the page and nothing else. */
async function servePage(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(CORE_PAGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Another port is another origin, but the same site; another name is another site, too. */
const sites = { 'the same site': '127.0.0.1', 'another site': 'localhost' } as const;
type SiteName = keyof typeof sites;

/**
 * What decides whether Chromium sends a cookie along. To a page of another site a server is a third party: only a cookie
 * that is partitioned by the site of the page is sent, others are blocked by default.
 */
const cookies: readonly { readonly cookie: string; readonly site: SiteName; readonly isSent: boolean }[] = [
  { site: 'the same site', cookie: 'SameSite=Lax', isSent: true },
  { site: 'the same site', cookie: 'SameSite=Strict', isSent: true },
  { site: 'another site', cookie: 'SameSite=None; Secure; Partitioned', isSent: true },
  { site: 'another site', cookie: 'SameSite=Lax', isSent: false },
];

describe.skipIf(missing('chromium'))('cookies and origins of @microsoft/signalr in Chromium', () => {
  let browser: Browser;
  let frontEnd: Awaited<ReturnType<typeof servePage>>;
  let stranger: Awaited<ReturnType<typeof servePage>>;

  beforeAll(async () => {
    [browser, frontEnd, stranger] = await Promise.all([launchChromium(), servePage(), servePage()]);
  });

  afterAll(async () => {
    await browser?.close();
    frontEnd.server.close();
    stranger.server.close();
  });

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let url: string;
    let context: BrowserContext;
    let complaints: string[];

    beforeAll(async () => {
      app = await startApp({
        platform,
        hubs: [MembersHub],
        controllers: [LoginController],
        signalr: {
          cors: {
            origins: Object.values(sites).map((host) => `http://${host}:${frontEnd.port}`),
            credentials: true,
          },
          authenticate: userOfCookie,
        },
      });
      url = `${app.url}/signalr/members`;
    });

    afterAll(async () => {
      await app.close();
      expect(app.logged).toEqual([]);
    });

    beforeEach(async () => {
      context = await browser.newContext();
      complaints = [];
      visits.length = 0;
    });

    afterEach(() => context.close());

    /** Opens the page of a front end, and logs in from there. */
    async function open(cookie: string, host: string, { port } = frontEnd): Promise<Page> {
      const page = await openPage(context, complaints, `http://${host}:${port}/page`);
      await page.evaluate(
        (login) => fetch(login, { method: 'POST', mode: 'no-cors', credentials: 'include' }),
        `${app.url}/login?cookie=${encodeURIComponent(cookie)}`,
      );
      return page;
    }

    describe.each(coreTransports)('over %s', (transport) => {
      test.each(cookies.filter(({ isSent }) => isSent))(
        'a page of $site has its cookie ($cookie) sent along',
        async ({ site, cookie }) => {
          const page = await open(cookie, sites[site]);
          await startInPage(page, { url, transport });
          expect(await invokeInPage(page, 'who')).toBe('ann');
          await stopInPage(page);
          expect(visits).toEqual(['ann']);
          expect(complaints).toEqual([]);
        },
      );

      test.each(cookies.filter(({ isSent }) => !isSent))(
        'a page of $site has its cookie ($cookie) kept back by the browser, and is a stranger',
        async ({ site, cookie }) => {
          const page = await open(cookie, sites[site]);
          await expect(startInPage(page, { url, transport })).rejects.toThrow("Status code '401'");
          expect(visits).toEqual([]);
        },
      );

      test('a page that wants no credentials sends none', async () => {
        const page = await open('SameSite=Lax', sites['the same site']);
        const attempt = startInPage(page, { url, transport, withCredentials: false });
        await expect(attempt).rejects.toThrow("Status code '401'");
        expect(visits).toEqual([]);
      });

      test('a page of an origin that is not listed gets nowhere, though it has the cookie', async () => {
        const page = await open('SameSite=Lax', sites['the same site'], stranger);
        const attempt = startInPage(page, { url, transport });
        await expect(attempt).rejects.toThrow('Failed to fetch');
        expect(complaints.join()).toContain('blocked by CORS policy');
        expect(visits).toEqual([]);
      });
    });

    test('without negotiation cookies go with the upgrade, whatever the page wants', async () => {
      const page = await open('SameSite=Lax', sites['the same site']);
      await startInPage(page, {
        url,
        transport: 'WebSockets',
        skipNegotiation: true,
        withCredentials: false,
      });
      expect(await invokeInPage(page, 'who')).toBe('ann');
      await stopInPage(page);
    });

    test('without negotiation a page of an origin that is not listed is refused by the server', async () => {
      const page = await open('SameSite=Lax', sites['the same site'], stranger);
      const attempt = startInPage(page, { url, transport: 'WebSockets', skipNegotiation: true });
      await expect(attempt).rejects.toThrow('WebSocket failed to connect');
      expect(complaints.join()).toContain('Unexpected response code: 403');
      expect(visits).toEqual([]);
    });
  });
});
