import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  getHubContextToken,
  Hub,
  HubException,
  HubMethod,
  HubProgress,
  type IHubContext,
  type IProgress,
  SignalRHub,
} from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { Inbox } from '../support/inbox.js';
import { LineBreaker } from '../support/line-breaker.js';
import { missing } from '../support/requirements.js';
import { DotnetClient, type DotnetError } from './client.js';

/** What the hub has seen of connections. */
const events = new Inbox<{ readonly name: string; readonly id: string; readonly detail?: unknown }>();

@Hub()
class WorkHub extends SignalRHub {
  override onConnected(): void {
    events.put({ name: 'connected', id: this.context.connectionId, detail: this.context.transport });
  }

  override onReconnected(): void {
    events.put({ name: 'reconnected', id: this.context.connectionId });
  }

  override onDisconnected(stopCalled: boolean): void {
    events.put({ name: 'disconnected', id: this.context.connectionId, detail: stopCalled });
  }

  @HubMethod()
  add(left: number, right: number): { sum: number } {
    return { sum: left + right };
  }

  @HubMethod()
  refuse(): never {
    throw new HubException('not today', { code: 12 });
  }

  @HubMethod()
  async hear(text: string): Promise<void> {
    await this.clients.caller.heard(text);
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async count(upTo: number, @HubProgress() progress: IProgress<number>): Promise<string> {
    for (let step = 1; step <= upTo; step++) {
      await progress.report(step);
    }
    // The client takes reports until it has the result; over other lines than a socket the two race.
    await new Promise((resolve) => setTimeout(resolve, 200));
    return 'counted';
  }

  @HubMethod()
  rename(): unknown {
    const before = this.clients.callerState['name'];
    this.clients.callerState['name'] = 'Grace';
    return before;
  }
}

const transports = ['webSockets', 'serverSentEvents', 'longPolling'] as const;

describe.skipIf(missing('dotnet')).each(platforms)('the classic .NET client on %s', (platform) => {
  let app: TestApp;
  let lines: LineBreaker;
  let hub: IHubContext<WorkHub>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [WorkHub] });
    lines = new LineBreaker(app);
    hub = app.app.get<IHubContext<WorkHub>>(getHubContextToken(WorkHub), { strict: false });
  });

  afterAll(async () => {
    await app?.close();
    expect(app.logged).toEqual([]);
  });

  describe.each(transports)('over %s', (transport) => {
    let client: DotnetClient;
    let connectionId: string;

    beforeEach(async () => {
      client = await DotnetClient.launch('classic-client');
      await client.on('heard');
      await client.state('name', 'Ada');
      const started = await client.start(`${app.url}/signalr`, { hub: 'WorkHub', transport });
      connectionId = started.connectionId as string;
    });

    afterEach(() => client[Symbol.asyncDispose]());

    const event = (name: string): Promise<{ readonly detail?: unknown }> =>
      events.nextWhere(name, (happened) => happened.name === name && happened.id === connectionId);

    it('calls, is called, fails, keeps state, hears of progress, and stops', async () => {
      expect(await event('connected')).toMatchObject({ detail: transport });
      expect(await client.invoke('add', 2, 3)).toEqual({ sum: 5 });
      expect(await client.invoke('hear', 'grüß dich 😀')).toBeNull();
      expect(await client.message('heard')).toEqual(['grüß dich 😀']);
      const refusal = await client.invoke('refuse').catch((reason: DotnetError) => reason);
      expect(refusal).toMatchObject({ type: 'HubException', message: 'not today', data: { code: 12 } });

      expect(await client.invoke('rename')).toBe('Ada');
      expect(await client.state('name')).toBe('Grace');

      const counting = client.invoke('count', 3);
      for (const step of [1, 2, 3]) {
        expect(await client.next('progress', { id: counting.id })).toMatchObject({ value: step });
      }
      expect(await counting).toBe('counted');

      await client.stop();
      await client.next('closed');
      expect(await event('disconnected')).toMatchObject({ detail: true });
    });

    it('comes back after its line broke, a member of its groups, with nothing lost or doubled', async () => {
      await client.invoke('join', 'readers');
      await hub.clients.group('readers').heard('before');
      expect(await client.message('heard')).toEqual(['before']);
      lines.breakAll();
      await hub.clients.group('readers').heard('while away');
      await hub.clients.client(connectionId).heard('also while away');
      // .NET's HttpClient repeats a poll that broke off by itself, and the SignalR client never hears of it.
      const notices = transport === 'longPolling' ? [] : [event('reconnected'), client.next('reconnected')];
      await Promise.all(notices);
      await hub.clients.group('readers').heard('after');
      for (const text of ['while away', 'also while away', 'after']) {
        expect(await client.message('heard')).toEqual([text]);
      }
      expect(await client.invoke('add', 1, 1)).toEqual({ sum: 2 });
      await client.stop();
      expect(await event('disconnected')).toMatchObject({ detail: true });
    });
  });
});
