import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { coreTransports, openLine } from '../../support/core-lines.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type Deferred, deferred, Inbox } from '../../support/inbox.js';

const events = new Inbox<string>();
const gates = new Map<string, Deferred>();

@Hub('words')
class WordsHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    await gates.get('connect')?.promise;
  }

  override onDisconnected(): void {
    events.put('disconnected');
  }

  @HubMethod()
  async hear(word: string): Promise<void> {
    events.put(word);
    await gates.get(word)?.promise;
  }

  @HubMethod()
  ping(): void {}
}

const say = (word: string): object => ({ type: 1, target: 'hear', arguments: [word] });

describe.each(platforms)('last words on %s', (platform) => {
  const clock = new FakeClock();
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [WordsHub], signalr: { clock } });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  const next = (): Promise<string> => events.next('the next word');

  test.each(coreTransports)(
    'what was sent before the end is heard, in order, before the hub is told: %s',
    async (transport) => {
      events.clear();
      const gate = deferred();
      gates.set('first', gate);
      const client = await RawCoreClient.connect(`${app.url}/signalr/words`, {}, '', transport);
      client.send(say('first') as never, say('second') as never, say('third') as never);
      expect(await next()).toBe('first');
      client.close();
      gate.resolve();
      gates.clear();
      expect([await next(), await next()]).toEqual(['second', 'third']);
      // An event stream that closes waits for a goodbye.
      await clock.advance(3_000);
      expect(await next()).toBe('disconnected');
    },
  );

  test('also of a client that was still being greeted', async () => {
    events.clear();
    const gate = deferred();
    gates.set('connect', gate);
    const { connectionToken } = await RawCoreClient.negotiate(`${app.url}/signalr/words`);
    const line = await openLine('WebSockets', `${app.url}/signalr/words?id=${connectionToken}`);
    line.send(`{"protocol":"json","version":1}\u001e${JSON.stringify(say('early'))}\u001e`);
    expect(await line.nextText()).toBe('{}\u001e');
    line.close();
    await line.ended;
    gate.resolve();
    gates.clear();
    expect([await next(), await next()]).toEqual(['early', 'disconnected']);
  });

  test('a method that does not end holds the end up no longer than the time for closing', async () => {
    events.clear();
    const gate = deferred();
    gates.set('stuck', gate);
    const client = await RawCoreClient.connect(`${app.url}/signalr/words`);
    client.send(say('stuck') as never, say('never') as never);
    expect(await next()).toBe('stuck');
    client.close();
    await client.line.ended;
    await clock.advance(4_000);
    expect(events.pending).toEqual([]);
    await clock.advance(2_000);
    expect(await next()).toBe('disconnected');
    gate.resolve();
    gates.clear();
    const other = await RawCoreClient.connect(`${app.url}/signalr/words`);
    await other.settle();
    other.close();
    expect(await next()).toBe('disconnected');
  });
});
