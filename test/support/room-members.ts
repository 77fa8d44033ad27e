import { HttpTransportType, HubConnectionBuilder, type IHubProtocol, LogLevel } from '@microsoft/signalr';
import type { Browser } from 'playwright-core';

import { RawClassicClient } from './classic-client.js';
import { ClassicPageClient } from './classic-page.js';
import { type ClassicTransportName, TransportClient } from './classic-transports.js';
import type { CoreTransportName } from './core-lines.js';
import { Inbox } from './inbox.js';

/** A client of the hub `RoomHub`, of any family. */
export interface RoomMember {
  invoke(method: string, ...args: unknown[]): Promise<unknown>;
  /** What the client method `hear` is called with, up to a text that closes. */
  heardUntil(end: string): Promise<readonly string[]>;
  stop(): Promise<unknown>;
}

/** A classic client by hand. */
export async function enterAsClassic(
  url: string,
  user: string,
  transport: ClassicTransportName = 'webSockets',
): Promise<RoomMember> {
  const raw = await RawClassicClient.negotiate(url, { hubs: ['RoomHub'], query: `user=${user}` });
  const client = new TransportClient(raw, transport);
  await client.start();
  const texts: unknown[] = [];
  const next = async (): Promise<unknown> => {
    while (texts.length === 0) {
      texts.push(...(await client.nextTexts(1)));
    }
    return texts.shift();
  };
  return {
    invoke: async (method, ...args) => (await client.invoke('RoomHub', method, ...args)).R,
    heardUntil: (end) => until(end, next),
    stop: () => client.end(),
  };
}

/** jquery.signalR in Chromium. */
export async function enterAsPage(
  browser: Browser,
  url: string,
  user: string,
  transport: ClassicTransportName,
): Promise<RoomMember> {
  const client = await ClassicPageClient.start(browser, url, { hub: 'roomHub', transport, query: { user } });
  return {
    invoke: (method, ...args) => client.invoke(method, ...args),
    heardUntil: (end) => until(end, () => client.heard.next(end)),
    stop: async () => {
      await client.stop();
      await client.close();
    },
  };
}

/** How a Core client connects. */
export interface CoreKind {
  /** Default: WebSockets. */
  readonly transport?: CoreTransportName;
  /** Default: JSON. */
  readonly protocol?: IHubProtocol;
}

/** The real Core client, to be built. */
export function coreBuilder(
  url: string,
  user: string,
  { transport = 'WebSockets', protocol }: CoreKind = {},
): HubConnectionBuilder {
  const builder = new HubConnectionBuilder()
    .withUrl(`${url}/roomHub?user=${user}`, { transport: HttpTransportType[transport] })
    .configureLogging(LogLevel.None);
  return protocol === undefined ? builder : builder.withHubProtocol(protocol);
}

/** The real Core client. */
export async function enterAsCore(url: string, user: string, kind?: CoreKind): Promise<RoomMember> {
  const client = coreBuilder(url, user, kind).build();
  const heard = new Inbox<string>();
  client.on('hear', (text: string) => heard.put(text));
  await client.start();
  return {
    invoke: (method, ...args) => client.invoke(method, ...args),
    heardUntil: (end) => until(end, () => heard.next(end)),
    stop: () => client.stop(),
  };
}

async function until(end: string, next: () => Promise<unknown>): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let text = await next(); text !== end; text = await next()) {
    texts.push(String(text));
  }
  return texts;
}
