import * as signalR from '@microsoft/signalr';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Hub, HubMethod, HubStream, SignalRHub } from 'nestjs-signalr';
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

  @HubMethod()
  async *letters(text: string): AsyncGenerator<string> {
    yield* text;
  }

  @HubMethod()
  async join(@HubStream() parts: AsyncIterable<string>): Promise<string> {
    let joined = '';
    for await (const part of parts) {
      joined += part;
    }
    return joined;
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
  const letters: string[] = [];
  await new Promise<void>((complete, error) => {
    echo.stream.letters('abc').subscribe({ next: (letter) => letters.push(letter), complete, error });
  });
  expect(letters).toEqual(['a', 'b', 'c']);
  const parts = new signalR.Subject<string>();
  const joined = echo.server.join(parts);
  parts.next('x');
  parts.next('y');
  parts.complete();
  expect(await joined).toBe('xy');
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
