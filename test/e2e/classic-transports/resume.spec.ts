import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { http } from '../../support/http.js';
import { ChatHub, nextEvent, OtherHub } from '../classic/hubs.js';

describe.each(platforms)('classic resume on %s', (platform) => {
  const clock = new FakeClock();
  const secret = 'resume tests';
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [ChatHub, OtherHub], signalr: { clock, secret } });
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('more messages than are kept'))).toEqual([]);
  });

  describe.each(classicTransports)('over %s', (transport) => {
    async function connect(hubs = ['ChatHub'], url = app.url): Promise<TransportClient> {
      const client = new TransportClient(
        await RawClassicClient.negotiate(`${url}/signalr`, { hubs }),
        transport,
      );
      await client.connect();
      return client;
    }

    const end = (...clients: TransportClient[]): Promise<unknown> =>
      Promise.all(clients.map((client) => client.end()));

    test('[classic 132] what was said while it was away arrives once, in order', async () => {
      const [client, other] = [await connect(), await connect()];
      await other.invoke('ChatHub', 'broadcast', 'before');
      expect(await client.nextTexts(1)).toEqual(['before']);
      await client.drop();
      for (let index = 0; index < 30; index++) {
        await other.invoke('ChatHub', 'broadcast', `${index}`);
      }
      await client.reconnect();
      await other.invoke('ChatHub', 'broadcast', 'after');
      expect(await client.nextTexts(31)).toEqual([
        ...Array.from({ length: 30 }, (_, index) => `${index}`),
        'after',
      ]);
      await end(client, other);
    });

    test('[classic 137] [classic 138] groups come back with it, and G comes once', async () => {
      const [client, other] = [await connect(), await connect()];
      await client.invoke('ChatHub', 'join', 'g');
      expect((await client.nextFrame(({ G }) => G !== undefined)).C).toBeDefined();
      await other.invoke('ChatHub', 'toGroup', 'g', 'one');
      expect(await client.nextFrame(({ M = [] }) => M.length > 0)).not.toHaveProperty('G');
      await client.drop();
      await other.invoke('ChatHub', 'toGroup', 'g', 'two');
      await client.reconnect();
      await other.invoke('ChatHub', 'toGroup', 'g', 'three');
      expect(await client.nextTexts(2)).toEqual(['two', 'three']);
      await end(client, other);
    });

    test('what was said in a group before it joined is not replayed', async () => {
      const [client, other] = [await connect(), await connect()];
      await other.invoke('ChatHub', 'toGroup', 'late', 'not for it');
      await other.invoke('ChatHub', 'join', 'late');
      await other.invoke('ChatHub', 'toGroup', 'late', 'nor this');
      await client.drop();
      await client.reconnect();
      await client.invoke('ChatHub', 'join', 'late');
      await other.invoke('ChatHub', 'toGroup', 'late', 'this');
      expect(await client.nextTexts(1)).toEqual(['this']);
      await end(client, other);
    });

    test('[classic 139] [classic 140] the groups token of another, or a broken one, is no error and no membership', async () => {
      const [member, guest] = [await connect(), await connect()];
      await member.invoke('ChatHub', 'join', 'secret');
      await member.nextFrame(({ G }) => G !== undefined);
      for (const token of [member.groupsToken, `${member.groupsToken?.slice(0, -2)}AA`, 'garbage']) {
        await guest.drop();
        guest.groupsToken = token;
        await guest.reconnect();
        await member.invoke('ChatHub', 'toGroup', 'secret', 'members only');
        await member.invoke('ChatHub', 'broadcast', 'everybody');
        expect(await guest.nextTexts(1)).toEqual(['everybody']);
      }
      await end(member, guest);
    });

    test('[classic 144] who has left its last group is in none', async () => {
      const [client, other] = [await connect(), await connect()];
      await client.invoke('ChatHub', 'join', 'g');
      await client.nextFrame(({ G }) => G !== undefined);
      await client.invoke('ChatHub', 'leave', 'g');
      await client.nextFrame(({ G }) => G !== undefined);
      await client.drop();
      await client.reconnect();
      await other.invoke('ChatHub', 'toGroup', 'g', 'members');
      await other.invoke('ChatHub', 'broadcast', 'everybody');
      expect(await client.nextTexts(1)).toEqual(['everybody']);
      await end(client, other);
    });

    test('[classic 134] a process that was started afresh with the same secret takes it back, with its groups', async () => {
      const client = await connect();
      await client.invoke('ChatHub', 'join', 'g');
      await client.nextFrame(({ G }) => G !== undefined);
      await client.drop();
      const fresh = await startApp({ platform, hubs: [ChatHub, OtherHub], signalr: { clock, secret } });
      const returning = new TransportClient(
        client.client.elsewhere({ url: `${fresh.url}/signalr` }),
        transport,
      );
      returning.cursor = client.cursor;
      returning.groupsToken = client.groupsToken;
      await returning.reconnect();
      await nextEvent('reconnected', client.connectionId);
      await returning.invoke('ChatHub', 'toGroup', 'g', 'still a member');
      expect(await returning.nextTexts(1)).toEqual(['still a member']);
      await end(returning);
      await fresh.close();
      expect(fresh.logged).toEqual([]);
    });

    test('[classic 145] a new connection starts without groups', async () => {
      const old = await connect();
      await old.invoke('ChatHub', 'join', 'g');
      await end(old);
      const fresh = await connect();
      await fresh.invoke('ChatHub', 'toGroup', 'g', 'members');
      await fresh.invoke('ChatHub', 'broadcast', 'everybody');
      expect(await fresh.nextTexts(1)).toEqual(['everybody']);
      await end(fresh);
    });
  });

  test('[classic 135] of too many messages the most recent arrive', async () => {
    const client = await RawClassicClient.open(`${app.url}/signalr`, { hubs: ['ChatHub'] });
    client.socket.destroy();
    await client.socket.closed;
    const other = await RawClassicClient.open(`${app.url}/signalr`);
    for (let index = 0; index < 1_200; index++) {
      await other.invoke('ChatHub', 'broadcast', index);
    }
    await client.openSocket('reconnect');
    const seen: unknown[] = [];
    while (seen.at(-1) !== 1_199) {
      seen.push((await client.nextCall()).A[0]);
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 200));
    await Promise.all([client.abort(), other.abort()]);
  });

  test('[classic 131] members of an envelope come in their order', async () => {
    const poller = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['ChatHub'] });
    const query = poller.query().replace('webSockets', 'longPolling');
    const { body } = await http('GET', `${app.url}/signalr/connect?${query}`);
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['C', 'S', 'M']);
    const cursor = encodeURIComponent((JSON.parse(body) as { C: string }).C);
    const data = encodeURIComponent('{"H":"chathub","M":"join","A":["g"],"I":0}');
    await http('GET', `${app.url}/signalr/send?${query}&data=${data}`);
    const joined = await http('GET', `${app.url}/signalr/poll?${query}&messageId=${cursor}`);
    expect(Object.keys(JSON.parse(joined.body) as object)).toEqual(['C', 'G', 'M']);
    await poller.abort();
  });

  test('[classic 142] groups of hubs that are no longer listed are not rejoined', async () => {
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['ChatHub', 'OtherHub'] });
    await client.invoke('ChatHub', 'join', 'g');
    client.socket.destroy();
    await client.socket.closed;
    const other = await RawClassicClient.connect(`${app.url}/signalr`);
    const returned = client.elsewhere({ hubs: ['OtherHub'] });
    await returned.openSocket('reconnect');
    await returned.invoke('ChatHub', 'echo', 'there');
    await other.invoke('ChatHub', 'toGroup', 'g', 'members of ChatHub');
    await other.invoke('OtherHub', 'broadcast', 'OtherHub');
    expect(await returned.nextCall()).toMatchObject({ H: 'OtherHub' });
    await Promise.all([client.abort(), other.abort()]);
  });
});
