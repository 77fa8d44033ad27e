import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubException,
  HubMethod,
  type IHubContext,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { Inbox } from '../support/inbox.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';
import { DotnetClient, type DotnetError } from './client.js';

/** What the hub has seen of connections. */
const events = new Inbox<{ readonly name: string; readonly id: string; readonly stopCalled?: boolean }>();

@Hub('work')
class WorkHub extends SignalRHub {
  override onConnected(): void {
    events.put({ name: `connected over ${this.context.transport}`, id: this.context.connectionId });
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put({ name: 'disconnected', id: this.context.connectionId, stopCalled });
  }

  @HubMethod()
  add(left: number, right: number): { sum: number } {
    return { sum: left + right };
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  refuse(disclose: boolean): never {
    throw disclose ? new HubException('not today') : new Error('secret');
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async leave(group: string): Promise<void> {
    await this.groups.remove(this.context.connectionId, group);
  }

  @HubMethod()
  dismiss(): void {
    this.context.abort();
  }
}

@Hub('closed')
class ClosedHub extends SignalRHub {
  override onConnected(): void {
    throw new HubException('closed on Sundays');
  }
}

const transports = ['webSockets', 'serverSentEvents', 'longPolling'] as const;

describe.skipIf(missing('dotnet')).each(platforms)('the .NET HubConnection on %s', (platform) => {
  let app: TestApp;
  let lines: LineBreaker;
  let hub: IHubContext<WorkHub>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [WorkHub, ClosedHub] });
    lines = new LineBreaker(app);
    hub = app.app.get<IHubContext<WorkHub>>(getHubContextToken(WorkHub), { strict: false });
  });

  afterAll(async () => {
    await app?.close();
    const expected = /^(?:work\.refuse failed|.*closed on Sundays)/;
    expect(app.logged.filter((line) => !expected.test(line))).toEqual([]);
  });

  describe.each(transports)('over %s', (transport) => {
    let client: DotnetClient;

    beforeEach(async () => {
      client = await DotnetClient.launch('core-client');
      await client.on('heard');
    });

    afterEach(() => client[Symbol.asyncDispose]());

    const start = async (reconnect = false): Promise<string> => {
      const { connectionId } = await client.start(`${app.url}/signalr/work`, { transport, reconnect });
      return connectionId as string;
    };

    const event = (name: string, id: string): Promise<{ readonly stopCalled?: boolean }> =>
      events.nextWhere(name, (happened) => happened.name === name && happened.id === id);

    const errorOf = (call: Promise<unknown>): Promise<DotnetError> =>
      call.then(
        () => Promise.reject(new Error('the call went well')),
        (error: DotnetError) => error,
      );

    it('[core 182] calls, and reads results and errors', async () => {
      const id = await start();
      await event(`connected over ${transport}`, id);
      expect(await client.invoke('add', 2, 3)).toEqual({ sum: 5 });
      const value = { text: 'grüß dich 😀\r\n"', list: [1, null, [true]], nothing: null };
      expect(await client.invoke('ECHO', value)).toEqual(value);
      expect(await client.invoke('join', 'room')).toBeNull();
      expect(await errorOf(client.invoke('refuse', true))).toMatchObject({
        type: 'HubException',
        message: "An unexpected error occurred invoking 'refuse' on the server. HubException: not today",
      });
      expect(await errorOf(client.invoke('refuse', false))).toMatchObject({
        message: "An unexpected error occurred invoking 'refuse' on the server.",
      });
      expect(await errorOf(client.invoke('missing'))).toMatchObject({
        message:
          "Failed to invoke 'missing' due to an error on the server. HubException: Method does not exist.",
      });
      expect(await client.invoke('add', 1, 1)).toEqual({ sum: 2 });
    });

    it('is called with all, in its group, and alone', async () => {
      const id = await start();
      await hub.clients.group('room').heard('before it came');
      await client.invoke('join', 'room');
      await hub.clients.all.heard('all');
      await hub.clients.group('room').heard('group');
      await client.invoke('leave', 'room');
      await hub.clients.group('room').heard('after it left');
      await hub.clients.client(id).heard('x'.repeat(100_000));
      for (const text of ['all', 'group', 'x'.repeat(100_000)]) {
        expect(await client.message('heard')).toEqual([text]);
      }
    });

    it('stops, and the hub learns of it', async () => {
      const id = await start();
      await client.stop();
      expect((await client.next('closed')).message).toBeUndefined();
      expect(await event('disconnected', id)).toMatchObject({ stopCalled: true });
    });

    it('is dismissed by the hub, and does not come back', async () => {
      const id = await start(true);
      await client.send('dismiss');
      expect((await client.next('closed')).message).toBeUndefined();
      await event('disconnected', id);
    });

    it('reads the error that it is closed with', async () => {
      await client.start(`${app.url}/signalr/closed`, { transport, reconnect: true });
      expect((await client.next('closed')).message).toBe(
        'The server closed the connection with the following error: Connection closed with an error. HubException: closed on Sundays',
      );
    });

    it('comes back after a message that is too large', async () => {
      const id = await start(true);
      await client.send('echo', 'x'.repeat(40_000));
      expect((await client.next('reconnecting')).message).toBe(
        'The server closed the connection with the following error: Connection closed with an error.',
      );
      await client.next('reconnected');
      expect(await client.invoke('add', 1, 1)).toEqual({ sum: 2 });
      await event('disconnected', id);
    });

    it('outlives a broken line, as a new connection that is in no group', async () => {
      const id = await start(true);
      await client.invoke('join', 'room');
      // The result may have come over the poll before the answer to the POST, which must not be what breaks.
      await hub.clients.client(id).heard('joined');
      expect(await client.message('heard')).toEqual(['joined']);
      lines.breakAll();
      // .NET's HttpClient repeats a poll that broke off by itself, and the SignalR client never hears of it.
      const isUnnoticed = transport === 'longPolling';
      await (isUnnoticed
        ? client.invoke('add', 1, 1)
        : Promise.all([client.next('reconnecting'), client.next('reconnected'), event('disconnected', id)]));
      await hub.clients.group('room').heard('to its old group');
      await hub.clients.all.heard('to all');
      for (const text of isUnnoticed ? ['to its old group', 'to all'] : ['to all']) {
        expect(await client.message('heard')).toEqual([text]);
      }
      expect(await client.invoke('add', 1, 1)).toEqual({ sum: 2 });
    });
  });
});
