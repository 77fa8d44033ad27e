/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import type { Page } from 'playwright-core';

import type { CoreTransportName } from './core-lines.js';

const require = createRequire(import.meta.url);
const libraries = [
  '@microsoft/signalr/dist/browser/signalr.min.js',
  '@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.min.js',
].map((file) => `<script>${readFileSync(require.resolve(file), 'utf8')}</script>`);

/** A page with the browser builds of `@microsoft/signalr` and of its MessagePack protocol. */
export const CORE_PAGE = `<!doctype html><title>client</title>${libraries.join('')}`;

/** Serves {@link CORE_PAGE} at `/page`. */
@Controller()
export class CorePageController {
  @Get('page')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return CORE_PAGE;
  }

  @Get('favicon.ico')
  @HttpCode(204)
  icon(): void {}
}

/** What the page keeps between two steps of a test; `window` there. */
export interface CorePage {
  signalR: typeof import('@microsoft/signalr') & {
    protocols: { msgpack: typeof import('@microsoft/signalr-protocol-msgpack') };
  };
  connection: import('@microsoft/signalr').HubConnection;
  /** The arguments of each call of the client method `hear`. */
  heard: unknown[][];
  /** Ids that the connection has come back with. */
  returns: (string | undefined)[];
}

export type CoreEncoding = 'json' | 'messagepack';

/** Every encoding over each transport that carries it. */
export const coreEncodings: readonly {
  readonly transport: CoreTransportName;
  readonly encoding: CoreEncoding;
}[] = [
  { transport: 'WebSockets', encoding: 'json' },
  { transport: 'ServerSentEvents', encoding: 'json' },
  { transport: 'LongPolling', encoding: 'json' },
  { transport: 'WebSockets', encoding: 'messagepack' },
  { transport: 'LongPolling', encoding: 'messagepack' },
];

/** How the client of a page connects. */
export interface PageClientOptions {
  readonly url: string;
  /** Default: what the client chooses. */
  readonly transport?: CoreTransportName;
  /** Default: `json`. */
  readonly encoding?: CoreEncoding;
  readonly skipNegotiation?: boolean;
  /** Default: that of the client, true. */
  readonly withCredentials?: boolean;
  readonly accessToken?: string;
  /** Comes back by itself as a new connection, trying every 20 ms for as long as it takes. */
  readonly automaticReconnect?: boolean;
  readonly statefulReconnect?: boolean;
}

/** Starts the client in a page and gives its connection id. Rejects with the client's error. */
export function startInPage(page: Page, options: PageClientOptions): Promise<string | null> {
  return page.evaluate(async (wanted) => {
    const own = window as unknown as CorePage;
    const { HubConnectionBuilder, HttpTransportType, LogLevel, protocols } = own.signalR;
    const { accessToken, withCredentials, skipNegotiation, transport } = wanted;
    const builder = new HubConnectionBuilder()
      .withUrl(wanted.url, {
        ...(transport !== undefined && { transport: HttpTransportType[transport] }),
        ...(skipNegotiation !== undefined && { skipNegotiation }),
        ...(withCredentials !== undefined && { withCredentials }),
        ...(accessToken !== undefined && { accessTokenFactory: () => accessToken }),
      })
      .configureLogging(LogLevel.None);
    if (wanted.encoding === 'messagepack') {
      builder.withHubProtocol(new protocols.msgpack.MessagePackHubProtocol());
    }
    if (wanted.automaticReconnect === true) {
      builder.withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 20 });
    }
    if (wanted.statefulReconnect === true) {
      builder.withStatefulReconnect();
    }
    own.connection = builder.build();
    own.heard = [];
    own.returns = [];
    own.connection.on('hear', (...args: unknown[]) => void own.heard.push(args));
    own.connection.onreconnected((id) => own.returns.push(id));
    await own.connection.start();
    return own.connection.connectionId;
  }, options);
}

/** Calls a hub method from a page. */
export function invokeInPage<T>(page: Page, method: string, ...args: unknown[]): Promise<T> {
  return page.evaluate<T, [string, unknown[]]>(
    ([name, values]) => (window as unknown as CorePage).connection.invoke(name, ...values),
    [method, args],
  );
}

/** Stops the client of a page. */
export function stopInPage(page: Page): Promise<void> {
  return page.evaluate(() => (window as unknown as CorePage).connection.stop());
}
