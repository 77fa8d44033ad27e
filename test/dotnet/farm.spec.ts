import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { platforms } from '../support/app.js';
import { Farm } from '../support/farm.js';
import { farmEvents, FarmHub } from '../support/farm-hub.js';
import { missing } from '../support/requirements.js';
import { DotnetClient, type DotnetProgram } from './client.js';

const transports = ['webSockets', 'serverSentEvents', 'longPolling'] as const;
const servers = [0, 1, 2];

describe.skipIf(missing('dotnet')).each(platforms)(
  'three servers on %s without sticky sessions',
  (platform) => {
    let farm: Farm;
    let client: DotnetClient;

    beforeEach(async () => {
      farmEvents.clear();
      farm = await Farm.start(3, { platform, hubs: [FarmHub] });
    });

    afterEach(async () => {
      await client[Symbol.asyncDispose]();
      await farm.close();
      expect(farm.logged).toEqual([]);
    });

    async function start(program: DotnetProgram, transport: (typeof transports)[number]): Promise<void> {
      client = await DotnetClient.launch(program);
      await client.on('heard');
      const url = program === 'classic-client' ? `${farm.url}/signalr` : `${farm.url}/signalr/farm`;
      await client.start(url, { hub: 'farm', transport, reconnect: true });
      expect(await farmEvents.next('the greeting')).toBe('connected');
    }

    const expectTexts = async (texts: readonly string[]): Promise<void> => {
      for (const text of texts) {
        expect(await client.message('heard')).toEqual([text]);
      }
    };

    describe.each(['classic-client', 'core-client'] as const)('and the .NET %s', (program) => {
      it.each(transports)('%s: calls, is called, and says goodbye', async (transport) => {
        await start(program, transport);
        for (const value of [1, 'two', { three: [3] }, 4, 5]) {
          expect(await client.invoke('echo', value)).toEqual(value);
        }
        await client.invoke('join', 'room');
        for (const server of servers) {
          await farm.hub(FarmHub, server).clients.group('room').heard(`group ${server}`);
          await farm.hub(FarmHub, server).clients.all.heard(`all ${server}`);
        }
        await expectTexts(servers.flatMap((server) => [`group ${server}`, `all ${server}`]));
        await client.stop();
        expect(await farmEvents.next('the goodbye')).toBe('disconnected true');
      });
    });

    it.each(transports)(
      'the .NET classic-client, %s: comes back to other servers and misses nothing',
      async (transport) => {
        await start('classic-client', transport);
        await client.invoke('join', 'room');
        for (let round = 0; round < 2; round++) {
          await farm.hub(FarmHub, 1).clients.group('room').heard(`before ${round}`);
          await expectTexts([`before ${round}`]);
          farm.proxy.breakAll();
          const texts = servers.map((server) => `missed ${round} ${server}`);
          for (const [server, text] of texts.entries()) {
            await farm.hub(FarmHub, server).clients.group('room').heard(text);
          }
          await expectTexts(texts);
        }
        expect(await client.invoke('echo', 'still here')).toBe('still here');
      },
    );

    // A poll that breaks is repeated by .NET's HttpClient, and the SignalR client never hears of it.
    it.each(['webSockets', 'serverSentEvents'] as const)(
      'the .NET core-client, %s: comes back to other servers as a new connection',
      async (transport) => {
        await start('core-client', transport);
        for (let round = 0; round < 2; round++) {
          farm.proxy.breakAll();
          await client.next('reconnecting');
          await client.next('reconnected');
          expect(await client.invoke('echo', round)).toBe(round);
          await client.invoke('join', 'room');
          for (const server of servers) {
            await farm.hub(FarmHub, server).clients.group('room').heard(`group ${server}`);
          }
          await expectTexts(servers.map((server) => `group ${server}`));
        }
      },
    );
  },
);
