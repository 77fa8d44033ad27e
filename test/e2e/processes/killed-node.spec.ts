import type { HubConnection } from '@microsoft/signalr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ClassicClient } from '../../chaos/classic-client.mjs';
import { type ClassicTransportName, classicTransports } from '../../support/classic-transports.js';
import { bySender } from '../../support/farm-suite.js';
import { Inbox, take } from '../../support/inbox.js';
import { KILLED, killAndRevive, speakInRoom } from '../../support/processes/killed-node.js';
import { ProcessFarm } from '../../support/processes/process-farm.js';
import { missing } from '../../support/requirements.js';
import { coreKinds } from '../../support/room-kinds.js';
import { coreBuilder } from '../../support/room-members.js';

/** How long, in milliseconds, clients may take to come back. */
const RETURN = 20_000;

let farm: ProcessFarm;

/** Everything that was said in the room. */
const said: string[] = [];

describe.skipIf(missing('redis'))('a node that is killed and started again', () => {
  interface ClassicMember {
    readonly client: ClassicClient;
    readonly heard: Inbox<string>;
    /** What it has heard by the time its node dies. */
    readonly before: string[];
  }
  interface CoreMember {
    readonly client: HubConnection;
    readonly firstId: string;
    readonly returns: Inbox<string | undefined>;
    readonly heard: Inbox<string>;
  }
  const classic = new Map<ClassicTransportName, ClassicMember>();
  const core = new Map<string, CoreMember>();

  async function connectClassic(transport: ClassicTransportName): Promise<void> {
    const heard = new Inbox<string>(RETURN);
    const client = new ClassicClient({
      port: Number(new URL(farm.url).port),
      hub: 'roomHub',
      transport,
      parameters: {},
      onMessage: (text) => heard.put(String(text)),
    });
    await client.start();
    classic.set(transport, { client, heard, before: [] });
    await farm.join(0, client.connectionId, 'room');
  }

  async function connectCore(kind: (typeof coreKinds)[number]): Promise<void> {
    const client = coreBuilder(farm.url, '', kind)
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 20 })
      .build();
    const returns = new Inbox<string | undefined>(RETURN);
    const heard = new Inbox<string>();
    client.onreconnected((id) => returns.put(id));
    client.on('hear', (text: string) => heard.put(String(text)));
    await client.start();
    core.set(kind.name, { client, firstId: client.connectionId as string, returns, heard });
    expect(await client.invoke('enter', ['room'])).toMatchObject({ node: `${KILLED}` });
  }

  beforeAll(async () => {
    farm = await ProcessFarm.start();
    await farm.at(KILLED, async () => {
      await Promise.all(classicTransports.map(connectClassic));
      await Promise.all(coreKinds.map(connectCore));
    });
    said.push(...(await speakInRoom(farm, 'before')));
    for (const { heard, before } of classic.values()) {
      before.push(...(await take(heard, said.length)));
    }
    said.push(...(await killAndRevive(farm)));
  }, 30_000);

  afterAll(async () => {
    try {
      const clients = [...classic.values(), ...core.values()].map(({ client }) => client);
      await Promise.all(clients.map((client) => client.stop()));
    } finally {
      await farm.close();
    }
    expect(farm.logged).toEqual([]);
  });

  test.each(classicTransports)(
    'a classic client over %s goes on at another one, without a gap and without hearing anything twice',
    { timeout: 30_000 },
    async (transport) => {
      const { client, heard, before } = classic.get(transport) as ClassicMember;
      const after = await take(heard, said.length - before.length);
      expect(bySender([...before, ...after])).toEqual(bySender(said));
      await farm.speak(0, { selector: 'client', args: [client.connectionId], text: 'the end' });
      expect(await heard.next('the end')).toBe('the end');
    },
  );

  test.each(coreKinds)(
    'a client of $name comes back by itself as a new connection',
    { timeout: 30_000 },
    async ({ name }) => {
      const { client, firstId, returns, heard } = core.get(name) as CoreMember;
      const id = await returns.next('the return');
      expect(id).not.toBe(firstId);
      expect(await client.invoke('echo', 'back')).toBe('back');
      expect(await client.invoke('enter', [name])).toMatchObject({ id });
      heard.clear();
      for (const node of [0, 1, 2]) {
        await farm.speak(node, { selector: 'group', args: [name], text: `welcome, by node ${node}` });
      }
      expect((await take(heard, 3)).toSorted()).toEqual([0, 1, 2].map((node) => `welcome, by node ${node}`));
    },
  );
});
