import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { missing } from '../support/requirements.js';
import { StreamsHub, streamsHubEvents as events } from '../support/streams-hub.js';
import { DotnetClient, type DotnetError } from './client.js';

const runs = platforms.flatMap((platform) =>
  (['webSockets', 'serverSentEvents', 'longPolling'] as const).map(
    (transport) => [platform, transport] as const,
  ),
);

describe.skipIf(missing('dotnet')).each(runs)(
  'streams of the .NET HubConnection on %s over %s',
  (platform, transport) => {
    let app: TestApp;
    let client: DotnetClient | undefined;

    beforeAll(async () => {
      app = await startApp({ platform, hubs: [StreamsHub] });
    });

    afterEach(async () => {
      await client?.[Symbol.asyncDispose]();
    });

    afterAll(async () => {
      await app.close();
      expect(app.logged).toEqual([]);
    });

    async function connect(answer?: { result?: unknown; error?: string }): Promise<DotnetClient> {
      client = await DotnetClient.launch('core-client');
      if (answer !== undefined) {
        await client.onResult('answer', answer, 1);
      }
      await client.start(`${app.url}/signalr/streams`, { transport });
      return client;
    }

    it('takes streams, sends them, cancels them, does both at once', async () => {
      const dotnet = await connect();
      const counting = dotnet.stream('count', 3);
      await counting;
      const values = [];
      for (let value = 0; value < 3; value++) {
        values.push((await dotnet.next('item', { id: counting.id })).value);
      }
      expect(values).toEqual([0, 1, 2]);
      expect(await dotnet.invoke('sum', 1, { $stream: [1, 2, 3] })).toBe(7);
      const doubling = dotnet.stream('double', { $stream: [1, 2] });
      await doubling;
      expect((await dotnet.next('item', { id: doubling.id })).value).toBe(2);
      expect((await dotnet.next('item', { id: doubling.id })).value).toBe(4);
      events.clear();
      const endless = dotnet.stream('count', 1_000_000_000);
      const outcome = endless.catch((error: DotnetError) => error.type);
      await dotnet.next('item', { id: endless.id });
      await dotnet.cancel(endless);
      expect(await events.next('the source has been released')).toBe('counted');
      expect(await outcome).toMatch(/CanceledException$|^null$/);
      const failing = dotnet.stream('fails').catch((error: DotnetError) => error);
      expect(await failing).toMatchObject({
        type: 'HubException',
        message: 'An error occurred on the server while streaming results. HubException: broke',
      });
    });

    it('answers the server, or fails to', async () => {
      const dotnet = await connect({ result: 'me' });
      expect(await dotnet.invoke('ask', 'who?')).toBe('they said me');
      await dotnet[Symbol.asyncDispose]();
      const failing = await connect({ error: 'not me' });
      const error = await failing.invoke('ask', 'who?').catch((reason: DotnetError) => reason);
      expect(error).toMatchObject({
        type: 'HubException',
        message: expect.stringContaining('not me') as string,
      });
    });

    it('learns that the hub has ended it', async () => {
      const dotnet = await connect();
      await dotnet.send('quit');
      expect((await dotnet.next('closed')).message).toBeUndefined();
    });
  },
);
