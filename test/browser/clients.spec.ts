/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  HttpException,
  UseGuards,
} from '@nestjs/common';
import * as signalR from '@microsoft/signalr';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { launchChromium, openPage } from '../support/browser.js';
import { Inbox } from '../support/inbox.js';
import { missing } from '../support/requirements.js';

const files = createRequire(import.meta.url);
const library = (path: string): string => `<script>${readFileSync(files.resolve(path), 'utf8')}</script>`;

/** The page that all tests run in: both clients, and the generated proxy. */
const PAGE = `<!doctype html><title>clients</title>
${library('jquery/dist/jquery.min.js')}
${library('signalr/jquery.signalR.min.js')}
${library('@microsoft/signalr/dist/browser/signalr.min.js')}
<script src="/signalr/hubs"></script>`;

@Controller()
class PageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }

  @Get('favicon.ico')
  icon(): never {
    throw new HttpException('', 204);
  }
}

const disconnects = new Inbox<{ id: string; stopCalled: boolean }>();

@Hub()
class TalkHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    disconnects.put({ id: this.context.connectionId, stopCalled });
  }

  @HubMethod()
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod('ShoutLoud')
  shout(text: string): string {
    return text.toUpperCase();
  }

  @HubMethod()
  count(...values: unknown[]): number {
    return values.length;
  }

  @HubMethod()
  refuse(): never {
    throw new HubException('Name taken', { code: 12 });
  }

  @HubMethod()
  async joinAndTell(group: string, text: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
    await this.clients.all.hear('all', text);
    await this.clients.caller.hear('caller', text);
    await this.clients.group(group).hear('group', text);
    await this.clients.others.hear('others', text);
  }
}

/** Refuses whoever connects. */
@Hub()
class ClosedHub extends SignalRHub {
  override onConnected(): void {
    throw new Error('no entry');
  }
}

/** Lets in who has the right bearer, whether it came as a header or in the query. */
class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    request.user = { id: request.headers['authorization']?.replace('Bearer ', '') };
    return request.headers['authorization'] === 'Bearer ann';
  }
}

@Hub()
@UseGuards(BearerGuard)
class MembersHub extends SignalRHub {
  @HubMethod()
  me(): string | undefined {
    return this.context.userIdentifier;
  }
}

/** What the page has of jquery.signalR. */
interface ClassicPage {
  heard: unknown[][];
  $: {
    connection: Record<string, unknown> & {
      hub: {
        id: string;
        url: string;
        start(options?: object): Promise<unknown>;
        stop(): void;
        disconnected(handler: () => void): void;
        state: number;
      };
      talkHub: {
        client: Record<string, unknown>;
        server: Record<string, (...args: unknown[]) => Promise<unknown>>;
      };
    };
  };
}

describe.skipIf(missing('chromium'))('clients in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  describe.each(platforms)('on %s', (platform) => {
    let app: TestApp;
    let page: Page;
    let complaints: string[];

    beforeAll(async () => {
      app = await startApp({
        platform,
        hubs: [TalkHub, ClosedHub, MembersHub],
        controllers: [PageController],
      });
    });

    afterAll(async () => {
      await app.close();
      expect(app.logged.filter((line) => !line.includes('no entry'))).toEqual([]);
    });

    beforeEach(async () => {
      complaints = [];
      page = await openPage(browser, complaints, `${app.url}/page`);
    });

    afterEach(async () => {
      await page.close();
      expect(complaints).toEqual([]);
    });

    /** Starts the classic client with a handler for `hear` and gives its connection id. */
    function startClassic(): Promise<string> {
      return page.evaluate(async () => {
        const { $ } = window as unknown as ClassicPage;
        const heard: unknown[][] = ((window as unknown as ClassicPage).heard = []);
        $.connection.talkHub.client['hear'] = (...args: unknown[]) => heard.push(args);
        await $.connection.hub.start({ transport: 'webSockets' });
        return $.connection.hub.id;
      });
    }

    const heardBy = (count: number): Promise<unknown> =>
      page
        .waitForFunction((wanted) => (window as unknown as ClassicPage).heard.length >= wanted, count)
        .then(() => page.evaluate(() => (window as unknown as ClassicPage).heard));

    const callClassic = (method: string, ...args: unknown[]): Promise<unknown> =>
      page.evaluate(
        async ([name, values]) => {
          const { server } = (window as unknown as ClassicPage).$.connection.talkHub;
          try {
            return await server[name as string]?.(...(values as unknown[]));
          } catch (error) {
            const { message, source, data } = error as { message: string; source: string; data: unknown };
            return { message, source, data };
          }
        },
        [method, args],
      );

    test('[classic 205] the proxy gives the page its hubs', async () => {
      const shape = await page.evaluate(() => {
        const { connection } = (window as unknown as ClassicPage).$;
        return {
          client: typeof connection.talkHub.client,
          server: Object.keys(connection.talkHub.server),
          hub: typeof connection.hub,
          url: connection.hub.url,
        };
      });
      expect(shape).toEqual({
        client: 'object',
        server: ['ShoutLoud', 'add', 'count', 'joinAndTell', 'refuse'],
        hub: 'object',
        url: '/signalr',
      });
    });

    test('a classic client calls and is called', async () => {
      await startClassic();
      expect(await callClassic('add', 2, 3)).toBe(5);
      expect(await callClassic('ShoutLoud', 'hey')).toBe('HEY');
      expect(await callClassic('refuse')).toEqual({
        message: 'Name taken',
        source: 'HubException',
        data: { code: 12 },
      });
      await callClassic('joinAndTell', 'g', 'hi');
      expect(await heardBy(3)).toEqual([
        ['all', 'hi'],
        ['caller', 'hi'],
        ['group', 'hi'],
      ]);
    });

    test('a classic client in Chromium and a Core client in Node talk to each other', async () => {
      const node = new signalR.HubConnectionBuilder()
        .withUrl(`${app.url}/signalr/talkHub`)
        .configureLogging(signalR.LogLevel.None)
        .build();
      const heardInNode = new Inbox<unknown[]>();
      node.on('hear', (...args: unknown[]) => heardInNode.put(args));
      await node.start();
      await startClassic();

      await callClassic('joinAndTell', 'room', 'from Chromium');
      expect(await heardInNode.next('the call to all')).toEqual(['all', 'from Chromium']);
      expect(await heardInNode.next('the call to others')).toEqual(['others', 'from Chromium']);
      expect(await heardBy(3)).toHaveLength(3);

      await node.invoke('joinAndTell', 'room', 'from Node');
      expect(((await heardBy(6)) as unknown[][]).slice(3)).toEqual([
        ['all', 'from Node'],
        ['group', 'from Node'],
        ['others', 'from Node'],
      ]);
      await node.stop();
    });

    test('[classic 207] all arguments are sent', async () => {
      await startClassic();
      expect(await callClassic('count', 1, 2, 3)).toBe(3);
    });

    test('[classic 208] handlers that are there at the start are subscribed', async () => {
      await startClassic();
      await callClassic('joinAndTell', 'g', 'x');
      expect(await heardBy(1)).toContainEqual(['all', 'x']);
    });

    test('[classic 209] after stop and start a handler fires once', async () => {
      for (let round = 0; round < 3; round++) {
        const id = await startClassic();
        await callClassic('joinAndTell', 'g', `${round}`);
        expect(await heardBy(3)).toHaveLength(3);
        await page.evaluate(() => (window as unknown as ClassicPage).$.connection.hub.stop());
        const { stopCalled } = await disconnects.nextWhere('the goodbye', (end) => end.id === id);
        expect(stopCalled).toBe(true);
      }
    });

    test('an ASP.NET Core client calls and is called', async () => {
      const result = await page.evaluate(async () => {
        const { HubConnectionBuilder } = (
          window as unknown as { signalR: typeof import('@microsoft/signalr') }
        ).signalR;
        const connection = new HubConnectionBuilder().withUrl('/signalr/talkHub').build();
        const heard: unknown[][] = [];
        connection.on('hear', (...args: unknown[]) => heard.push(args));
        await connection.start();
        const sum = await connection.invoke<number>('add', 2, 3);
        const refusal = await connection.invoke('refuse').catch((error: Error) => error.message);
        await connection.invoke('joinAndTell', 'g', 'hi');
        await connection.stop();
        return { sum, refusal, heard };
      });
      expect(result).toEqual({
        sum: 5,
        refusal: `An unexpected error occurred invoking 'refuse' on the server. HubException: Name taken`,
        heard: [
          ['all', 'hi'],
          ['caller', 'hi'],
          ['group', 'hi'],
        ],
      });
    });

    test('[classic 58] a hub that refuses in onConnected: start fails, and the client gives up', async () => {
      const outcome = await page.evaluate(async () => {
        const { $ } = window as unknown as ClassicPage;
        const { hub } = $.connection;
        ($.connection['closedHub'] as { client: Record<string, unknown> }).client['any'] = () => undefined;
        const disconnected = new Promise<void>((resolve) => hub.disconnected(resolve));
        const error = await hub.start({ transport: 'webSockets' }).then(
          () => 'started',
          (reason: Error) => reason.message,
        );
        await disconnected;
        return { error, state: hub.state };
      });
      expect(outcome).toEqual({ error: 'Error during start request. Stopping the connection.', state: 4 });
      // The browser itself reports the failed request.
      expect(complaints.splice(0)).toEqual([expect.stringContaining('500')]);
    });

    test('[core 181] an access token in the query and one in a header mean the same user', async () => {
      const inBrowser = await page.evaluate(async () => {
        const { HubConnectionBuilder } = (window as unknown as { signalR: typeof signalR }).signalR;
        const connection = new HubConnectionBuilder()
          .withUrl('/signalr/membersHub', { accessTokenFactory: () => 'ann' })
          .build();
        await connection.start();
        const me = await connection.invoke<string>('me');
        await connection.stop();
        return me;
      });
      const connection = new signalR.HubConnectionBuilder()
        .withUrl(`${app.url}/signalr/membersHub`, { accessTokenFactory: () => 'ann' })
        .configureLogging(signalR.LogLevel.None)
        .build();
      await connection.start();
      expect([inBrowser, await connection.invoke('me')]).toEqual(['ann', 'ann']);
      await connection.stop();
    });
  });
});
