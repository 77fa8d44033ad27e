import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getHubContextToken, Hub, type IHubContext } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ChatHub, nextEvent } from '../classic/hubs.js';

@Hub()
class SideHub extends ChatHub {}

describe.each(platforms)('groups tokens of classic clients on %s', (platform) => {
  /** Where clients connect, and where they come back: a process that knows of their groups by the token alone. */
  let first: TestApp;
  let second: TestApp;
  let chat: IHubContext<ChatHub>;
  let side: IHubContext<SideHub>;

  beforeAll(async () => {
    const signalr = { clock: new FakeClock(), secret: 'groups' };
    [first, second] = await Promise.all([
      startApp({ platform, hubs: [ChatHub, SideHub], signalr }),
      startApp({ platform, hubs: [ChatHub, SideHub], signalr }),
    ]);
    chat = second.app.get<IHubContext<ChatHub>>(getHubContextToken(ChatHub), { strict: false });
    side = second.app.get<IHubContext<SideHub>>(getHubContextToken(SideHub), { strict: false });
  });

  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    expect([...first.logged, ...second.logged]).toEqual([]);
  });

  describe.each(classicTransports)('over %s', (transport) => {
    const formTag = transport === 'longPolling' ? '[classic 141] ' : '';

    async function connect(hubs: readonly string[] = ['ChatHub']): Promise<TransportClient> {
      const raw = await RawClassicClient.negotiate(`${first.url}/signalr`, { hubs });
      const client = new TransportClient(raw, transport);
      await client.connect();
      return client;
    }

    /** A member of `g` whose client has been told so. */
    async function connectMember(hubs?: readonly string[]): Promise<TransportClient> {
      const client = await connect(hubs);
      await client.invoke('ChatHub', 'join', 'g');
      await client.nextFrame(({ G }) => G !== undefined);
      return client;
    }

    /** The client at the other process, with what it carries. */
    async function elsewhere(
      client: TransportClient,
      {
        groupsToken = client.groupsToken,
        hubs = ['ChatHub'],
      }: { groupsToken?: string; hubs?: string[] } = {},
    ): Promise<TransportClient> {
      await client.end();
      const returning = new TransportClient(
        client.client.elsewhere({ url: `${second.url}/signalr`, hubs }),
        transport,
      );
      returning.cursor = client.cursor;
      returning.groupsToken = groupsToken;
      return returning;
    }

    async function comeBack(...given: Parameters<typeof elsewhere>): Promise<TransportClient> {
      const returning = await elsewhere(...given);
      await returning.reconnect();
      await nextEvent('reconnected', returning.connectionId);
      return returning;
    }

    /** What the client hears of a message to the group, one to everybody, and one to everybody of the other hub. */
    async function heardBy(client: TransportClient): Promise<unknown[]> {
      await chat.clients.group('g').addMessage('members');
      await chat.clients.all.addMessage('all');
      await side.clients.all.addMessage('all of the other hub');
      const heard: unknown[] = [];
      while (!String(heard.at(-1)).startsWith('all')) {
        heard.push(...(await client.nextTexts(1)));
      }
      return heard;
    }

    test('[classic 136] who joins gets a token', async () => {
      const client = await connect();
      await client.invoke('ChatHub', 'join', 'g');
      const frame = await client.nextFrame(({ G }) => G !== undefined);
      expect(frame).toEqual({ C: expect.any(String), G: expect.stringMatching(/^\S+$/), M: [] });
      await client.end();
    });

    test(`${formTag}[classic 138] the token brings the groups back, without a new token`, async () => {
      const client = await comeBack(await connectMember());
      await chat.clients.group('g').addMessage('still a member');
      const frame = await client.nextFrame(({ M = [] }) => M.length > 0);
      expect(frame).toEqual({
        C: expect.any(String),
        M: [{ H: 'ChatHub', M: 'addMessage', A: ['still a member'] }],
      });
      await client.end();
    });

    test('a token brought to connect counts as well', async () => {
      const client = await elsewhere(await connectMember());
      await client.connect();
      expect(await heardBy(client)).toEqual(['members', 'all']);
      await client.end();
    });

    test('[classic 139] the token of somebody else is no membership', async () => {
      const member = await connectMember();
      const { groupsToken = '' } = member;
      const client = await comeBack(await connect(), { groupsToken });
      expect(await heardBy(client)).toEqual(['all']);
      await client.end();
      await member.end();
    });

    test('[classic 140] nor is one that was altered', async () => {
      const member = await connectMember();
      const { groupsToken = '' } = member;
      const middle = groupsToken.length >> 1;
      const other = groupsToken[middle] === 'A' ? 'B' : 'A';
      for (const altered of [
        groupsToken.slice(0, middle) + other + groupsToken.slice(middle + 1),
        groupsToken.slice(0, -4),
        'garbage',
        '%00',
      ]) {
        const client = await comeBack(member, { groupsToken: altered });
        expect(await heardBy(client)).toEqual(['all']);
        await client.end();
      }
    });

    test('[classic 142] groups of a hub that is not listed are not rejoined', async () => {
      const member = await connectMember(['ChatHub', 'SideHub']);
      const client = await comeBack(member, { hubs: ['SideHub'] });
      expect(await heardBy(client)).toEqual(['all of the other hub']);
      await client.end();
    });

    test('[classic 144] who leaves its last group gets a token without groups', async () => {
      const member = await connectMember();
      const { groupsToken } = member;
      await member.invoke('ChatHub', 'leave', 'g');
      const { G } = await member.nextFrame((frame) => frame.G !== undefined);
      expect(G).not.toBe(groupsToken);
      const client = await comeBack(member);
      expect(await heardBy(client)).toEqual(['all']);
      await client.end();
    });
  });
});
