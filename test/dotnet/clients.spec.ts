import 'reflect-metadata';
import { type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Hub, HubException, HubMethod, SignalRHub, SignalRModule } from 'nestjs-signalr';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { missing } from '../support/requirements.js';
import { DotnetClient, type DotnetError, type StartOptions } from './client.js';

interface ChatClient {
  addNewMessageToPage(name: string, message: string): void;
}

@Hub('chatHub')
class ChatHub extends SignalRHub<ChatClient> {
  @HubMethod()
  async send(name: string, message: string) {
    await this.clients.all.addNewMessageToPage(name, message);
  }

  @HubMethod()
  async sendTo(group: string, name: string, message: string) {
    await this.clients.group(group).addNewMessageToPage(name, message);
  }

  @HubMethod()
  async join(group: string) {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  add(a: number, b: number) {
    return { sum: a + b };
  }

  @HubMethod()
  refuse() {
    throw new HubException('not today', { code: 12 });
  }
}

@Module({ imports: [SignalRModule.forRoot()], providers: [ChatHub] })
class AppModule {}

/** Where the two families differ for a user of the client. */
const families = [
  {
    program: 'classic-client',
    path: '/signalr',
    check: '[classic 164]',
    refusal: { type: 'HubException', message: 'not today', data: { code: 12 } },
  },
  {
    program: 'core-client',
    path: '/signalr/chatHub',
    check: '[core 101]',
    refusal: {
      type: 'HubException',
      message: "An unexpected error occurred invoking 'refuse' on the server. HubException: not today",
    },
  },
] as const;

describe.skipIf(missing('dotnet'))('.NET clients', () => {
  let app: INestApplication;
  let server: string;
  const launched: DotnetClient[] = [];

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    server = await app.getUrl();
  });
  afterAll(() => app?.close());
  afterEach(() => Promise.all(launched.splice(0).map((client) => client[Symbol.asyncDispose]())));

  async function connect(
    { program, path }: (typeof families)[number],
    transport: StartOptions['transport'] = 'webSockets',
  ) {
    const client = await DotnetClient.launch(program);
    launched.push(client);
    await client.on('addNewMessageToPage', 2);
    await client.start(`${server}${path}`, { hub: 'chatHub', transport });
    return client;
  }

  describe.each(families)('$program over WebSockets', (family) => {
    let client: DotnetClient;
    beforeEach(async () => {
      client = await connect(family);
    });

    it('gets the result of a call', async () => {
      expect(await client.invoke('add', 2, 3)).toEqual({ sum: 5 });
    });

    it('gets nothing from a method without a result', async () => {
      expect(await client.invoke('send', 'Ada', 'hello')).toBeNull();
    });

    it(`${family.check} reads the text of a HubException`, async () => {
      const error = await client.invoke('refuse').catch((reason: DotnetError) => reason);
      expect(error).toMatchObject(family.refusal);
    });

    it('goes on after a failed call', async () => {
      await client.invoke('refuse').catch(() => {});
      expect(await client.invoke('add', 1, 1)).toEqual({ sum: 2 });
    });

    it('is called through clients.all', async () => {
      await client.send('send', 'Ada', 'grüß dich');
      expect(await client.message('addNewMessageToPage')).toEqual(['Ada', 'grüß dich']);
    });

    it('is called through a group, and only if it is a member', async () => {
      await client.invoke('sendTo', 'lobby', 'Ada', 'not for me');
      await client.invoke('join', 'lobby');
      await client.invoke('sendTo', 'lobby', 'Ada', 'for me');
      expect(await client.message('addNewMessageToPage')).toEqual(['Ada', 'for me']);
    });

    it('stops', async () => {
      await client.stop();
      const closed = await client.next('closed');
      expect(closed.message).toBeUndefined();
    });
  });

  // The client waits up to 30 seconds for the server to end what it receives on.
  it.each(['webSockets', 'serverSentEvents', 'longPolling'] as const)(
    '[classic 216] the classic one calls, is called and stops within two seconds over %s',
    async (transport) => {
      const classic = await connect(families[0], transport);
      expect(await classic.invoke('add', 2, 3)).toEqual({ sum: 5 });
      await classic.invoke('send', 'Ada', 'hello');
      expect(await classic.message('addNewMessageToPage')).toEqual(['Ada', 'hello']);

      const began = performance.now();
      await classic.stop();
      await classic.next('closed');
      expect(performance.now() - began).toBeLessThan(2000);
    },
  );

  it('of both families see the messages of each other', async () => {
    const [classic, core] = await Promise.all([connect(families[0]), connect(families[1])]);

    await classic.invoke('send', 'classic', 'to all');
    expect(await core.message('addNewMessageToPage')).toEqual(['classic', 'to all']);
    expect(await classic.message('addNewMessageToPage')).toEqual(['classic', 'to all']);

    await core.invoke('send', 'core', 'to all');
    expect(await classic.message('addNewMessageToPage')).toEqual(['core', 'to all']);
    expect(await core.message('addNewMessageToPage')).toEqual(['core', 'to all']);
  });

  it('of both families are members of one group', async () => {
    const [classic, core] = await Promise.all([connect(families[0]), connect(families[1])]);
    await Promise.all([classic.invoke('join', 'readers'), core.invoke('join', 'readers')]);

    await core.invoke('sendTo', 'readers', 'core', 'to readers');
    expect(await classic.message('addNewMessageToPage')).toEqual(['core', 'to readers']);
    expect(await core.message('addNewMessageToPage')).toEqual(['core', 'to readers']);
  });
});
