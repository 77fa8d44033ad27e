import { type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubContextRegistry, HubMethod, SignalRHub, SignalRModule } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';
import { http, refusedUpgrade } from '../../support/http.js';
import { GuardedHub, PlainHub } from './hubs.js';

@Hub('second')
class SecondHub extends SignalRHub {
  @HubMethod()
  ping(): void {}
}

describe.each(platforms)('core tokens and values on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub, SecondHub, GuardedHub] });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test('[core 192] a token is good for the hub it was issued for', async () => {
    const { connectionToken } = await RawCoreClient.negotiate(`${app.url}/signalr/h`);
    const other = `${app.url}/signalr/second?id=${connectionToken}`;
    for (const answer of [await http('GET', other), await http('POST', other), await refusedUpgrade(other)]) {
      expect([answer.status, answer.body]).toEqual([404, 'No Connection with that ID']);
    }
  });

  test('the JavaScript client in Node sends its access token as a header', async () => {
    const connection = new HubConnectionBuilder()
      .withUrl(`${app.url}/signalr/guarded`, { accessTokenFactory: () => 'admin' })
      .configureLogging(LogLevel.None)
      .build();
    await connection.start();
    expect(await connection.invoke('me')).toEqual({ user: { id: 'admin' }, id: 'admin' });
    await connection.stop();
  });

  test('[core 115] nothing that strict clients would refuse is ever sent', async () => {
    const client = await RawCoreClient.connect(`${app.url}/signalr/h`);
    const records = [await client.nextRecord('the welcome')];
    client.send(
      { type: 1, invocationId: '1', target: 'ping', arguments: [] },
      { type: 1, invocationId: '2', target: 'echo', arguments: [null] },
      { type: 1, invocationId: '3', target: 'boom', arguments: ['plain'] },
      { type: 1, invocationId: '4', target: 'nope', arguments: [] },
      { type: 1, invocationId: '5', target: 'toAll', arguments: ['x'] },
      { type: 1, target: 'abort', arguments: [] },
    );
    while (records.at(-1)?.startsWith('{"type":7') === false) {
      records.push(await client.nextRecord());
    }
    expect(records).toHaveLength(8);
    for (const record of records) {
      const message = JSON.parse(record) as Record<string, unknown>;
      expect(message).not.toHaveProperty('headers');
      for (const member of ['invocationId', 'error', 'streamIds', 'target']) {
        expect(message[member], record).not.toBeNull();
      }
    }
    expect(app.logged.splice(0).join()).toContain('plain text');
  });

  test('[core 116] values as JSON has them, and one that has no JSON fails its call alone', async () => {
    const client = await RawCoreClient.connect(`${app.url}/signalr/h`);
    const value = {
      camelCase: 1,
      bytes: 'AQID',
      date: '1970-01-01T00:00:00.000Z',
      text: 'é < + \u2028 \u{1F600}',
    };
    expect((await client.invoke('echo', value)).result).toEqual(value);
    client.send(String.raw`{"type":1,"invocationId":"u","target":"echo","arguments":["\u00e9\ud83d\ude00"]}`);
    expect((await client.next()).result).toBe('é\u{1F600}');
    for (const kind of ['bigint', 'cycle']) {
      expect((await client.invoke('unserializable', kind)).error).toBe(
        `An unexpected error occurred invoking 'unserializable' on the server.`,
      );
    }
    expect((await client.invoke('add', 1, 2)).result).toBe(3);
    expect(app.logged.splice(0).join()).toContain('cannot be sent as JSON');
    client.close();
  });

  test('[core 163] a broadcast is serialized once', async () => {
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => RawCoreClient.connect(`${app.url}/signalr/h`)),
    );
    let serialized = 0;
    const value = {
      toJSON: () => {
        serialized++;
        return 'value';
      },
    };
    await app.app.get(HubContextRegistry).get(PlainHub).clients.all.hear(value);
    for (const client of clients) {
      for (let message = await client.next(); message.target !== 'hear'; message = await client.next()) {
        // The greeting comes before it.
      }
      client.close();
    }
    expect(serialized).toBe(1);
  });
});

describe('what is logged', () => {
  test('[core 188] no token, at whatever level', async () => {
    const lines: string[] = [];
    const record = (...parts: unknown[]): void => {
      lines.push(parts.map(String).join(' '));
    };
    const logger: LoggerService = {
      log: record,
      debug: record,
      verbose: record,
      warn: record,
      error: record,
      fatal: record,
    };
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot({ secret: 'the secret itself' })],
      providers: [PlainHub],
    })
      .setLogger(logger)
      .compile();
    const app = testing.createNestApplication();
    await app.listen(0, '127.0.0.1');
    const url = `http://127.0.0.1:${(app.getHttpServer().address() as { port: number }).port}/signalr`;

    const { connectionToken = '' } = await RawCoreClient.negotiate(`${url}/h`);
    const core = await RawCoreClient.openDirectly(
      `${url}/h?id=${connectionToken}&access_token=bearer-of-news`,
    );
    await core.shakeHands();
    await core.invoke('boom', 'plain');
    await core.invoke('unserializable', 'cycle');
    core.send('garbage');
    await core.socket.closed;
    const classic = await RawClassicClient.connect(url, { hubs: ['h'] });
    classic.socket.send('garbage');
    await classic.invoke('h', 'boom', 'plain');
    await http('GET', `${url}/connect?transport=webSockets&connectionToken=stolen-goods`);
    await app.close();

    expect(lines.length).toBeGreaterThan(5);
    for (const secret of [
      connectionToken,
      classic.negotiation.ConnectionToken,
      'bearer-of-news',
      'stolen-goods',
      'the secret itself',
    ]) {
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    }
  });
});
