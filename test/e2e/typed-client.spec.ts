import * as signalR from '@microsoft/signalr';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { hubProxy, type UntypedHub } from 'nestjs-signalr/client';

import { startApp, type TestApp } from '../support/app.js';

interface EchoClient {
  heard(text: string): void;
}

@Hub('echo')
class EchoHub extends SignalRHub<EchoClient> {
  @HubMethod()
  async say(text: string): Promise<number> {
    await this.clients.all.heard(text);
    return text.length;
  }
}

let app: TestApp;

beforeAll(async () => {
  app = await startApp({ hubs: [EchoHub] });
});

afterAll(() => app.close());

test('the typed proxy calls and is called over a Core connection', async () => {
  const connection = new signalR.HubConnectionBuilder()
    .withUrl(`${app.url}/signalr/echo`)
    .configureLogging(signalR.LogLevel.None)
    .build();
  const echo = hubProxy<EchoHub>(connection);
  const heard: string[] = [];
  const stop = echo.on('heard', (text) => heard.push(text));
  await connection.start();
  expect(await echo.server.say('hello')).toBe(5);
  expect(heard).toEqual(['hello']);
  stop();
  await echo.server.say('unheard');
  expect(heard).toEqual(['hello']);
  await connection.stop();
});

test('a proxy is no promise, so it may be returned from async functions', async () => {
  const classic: UntypedHub = {
    invoke: (method, ...args) => Promise.resolve([method, ...args]),
    on: () => undefined,
    off: () => undefined,
  };
  const { server } = await Promise.resolve(hubProxy<EchoHub>(classic));
  expect(await Promise.resolve(server)).toBe(server);
  expect(await server.say('x')).toEqual(['say', 'x']);
});
