import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Hub,
  HubContextRegistry,
  HubMethod,
  type HubRequest,
  type IHubContext,
  IUserIdProvider,
  SignalRHub,
} from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { RawClassicClient } from '../support/classic-client.js';
import { RawCoreClient } from '../support/core-client.js';
import { PackedCoreClient } from '../support/packed-core-client.js';

interface RoomClient {
  hear(text: string): void;
}

/** Sends to a selection; what the selectors of a hub and of a hub context have in common and what not. */
type Say = (clients: RoomHub['clients'], ids: Ids) => { hear(text: string): Promise<void> };

/** The members of the room: of each family a caller and another one. */
type Member = 'classicA' | 'classicB' | 'coreA' | 'coreB';
type Ids = Record<Member, string>;

let say: Say;
let ids: Ids;

@Hub()
class RoomHub extends SignalRHub<RoomClient> {
  @HubMethod()
  async enter(...groups: string[]): Promise<string> {
    for (const group of groups) {
      await this.groups.add(this.context.connectionId, group);
    }
    return this.context.connectionId;
  }

  @HubMethod()
  async speak(): Promise<void> {
    await say(this.clients, ids).hear('x');
  }
}

/** `a` is in group `red`, `b` in `red` and `blue`; both A are one user, both B another one. */
class FamilyUserIds extends IUserIdProvider {
  override getUserId(request: HubRequest): string | undefined {
    return request.query.get('user');
  }
}

/** Who hears it when `classicA` speaks; the same with `coreA` must give the mirror image. */
type Heard = Partial<Record<Member, number>>;

const everybody: Heard = { classicA: 1, classicB: 1, coreA: 1, coreB: 1 };

interface Selector {
  readonly name: string;
  readonly select: Say;
  readonly heard: (caller: Member) => Heard;
  /** True for selectors that start from the caller: a hub context has none. */
  readonly ofCaller?: true;
}

const SELECTORS: readonly Selector[] = [
  { name: 'all', select: (clients) => clients.all, heard: () => everybody },
  {
    name: 'allExcept',
    select: (clients, { classicB }) => clients.allExcept([classicB]),
    heard: () => ({ ...everybody, classicB: 0 }),
  },
  {
    name: 'client (classic)',
    select: (clients, { classicB }) => clients.client(classicB),
    heard: () => ({ classicB: 1 }),
  },
  {
    name: 'client (core)',
    select: (clients, { coreB }) => clients.client(coreB),
    heard: () => ({ coreB: 1 }),
  },
  {
    name: 'clients',
    select: (clients, { classicA, coreB }) => clients.clients([classicA, coreB]),
    heard: () => ({ classicA: 1, coreB: 1 }),
  },
  { name: 'group', select: (clients) => clients.group('blue'), heard: () => ({ classicB: 1, coreB: 1 }) },
  {
    name: 'group with exclusions',
    select: (clients, { coreA, classicB }) => clients.group('red', coreA, classicB),
    heard: () => ({ classicA: 1, coreB: 1 }),
  },
  {
    name: 'groups',
    select: (clients) => clients.groups(['red', 'blue']),
    heard: () => ({ classicA: 1, classicB: 2, coreA: 1, coreB: 2 }),
  },
  { name: 'user', select: (clients) => clients.user('A'), heard: () => ({ classicA: 1, coreA: 1 }) },
  { name: 'users', select: (clients) => clients.users(['A', 'B']), heard: () => everybody },
  {
    name: 'caller',
    select: (clients) => clients.caller,
    heard: (caller) => ({ [caller]: 1 }),
    ofCaller: true,
  },
  {
    name: 'others',
    select: (clients) => clients.others,
    heard: (caller) => ({ ...everybody, [caller]: 0 }),
    ofCaller: true,
  },
  {
    name: 'othersInGroup',
    select: (clients) => clients.othersInGroup('red'),
    heard: (caller) => ({ ...everybody, [caller]: 0 }),
    ofCaller: true,
  },
  {
    name: 'othersInGroups',
    select: (clients) => clients.othersInGroups(['red', 'blue']),
    heard: (caller) => ({ classicA: 1, coreA: 1, classicB: 2, coreB: 2, [caller]: 0 }),
    ofCaller: true,
  },
];

type CoreClient = RawCoreClient | PackedCoreClient;

/** What `coreB` speaks; all others speak JSON. */
const protocols = ['json', 'messagepack'] as const;
const rows = platforms.flatMap((platform) => protocols.map((protocol) => ({ platform, protocol })));

describe.each(rows)('selectors reach both families and $protocol on $platform', ({ platform, protocol }) => {
  let app: TestApp;
  let classic: Record<'classicA' | 'classicB', RawClassicClient>;
  let core: Record<'coreA' | 'coreB', CoreClient>;

  beforeEach(async () => {
    app = await startApp({
      platform,
      hubs: [RoomHub],
      providers: [{ provide: IUserIdProvider, useClass: FamilyUserIds }],
      signalr: { hubProtocols: [new MessagePackHubProtocol()] },
    });
    const url = `${app.url}/signalr/roomHub`;
    const connectClassic = (user: string): Promise<RawClassicClient> =>
      RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['RoomHub'], query: `user=${user}` });
    classic = { classicA: await connectClassic('A'), classicB: await connectClassic('B') };
    core = {
      coreA: await RawCoreClient.connect(url, {}, 'user=A'),
      coreB:
        protocol === 'json'
          ? await RawCoreClient.connect(url, {}, 'user=B')
          : await PackedCoreClient.connect(url, { query: 'user=B' }),
    };
    ids = {
      classicA: (await classic.classicA.invoke('RoomHub', 'enter', 'red')).R as string,
      classicB: (await classic.classicB.invoke('RoomHub', 'enter', 'red', 'blue')).R as string,
      coreA: (await core.coreA.invoke('enter', 'red')).result as string,
      coreB: (await core.coreB.invoke('enter', 'red', 'blue')).result as string,
    };
  });

  afterEach(async () => {
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** Calls a method and counts what the client hears until it is answered. */
  async function callAndListen(client: CoreClient, target: string): Promise<number> {
    client.send({ type: 1, invocationId: target, target, arguments: [] });
    let count = 0;
    for (let message = await client.next(); message.type !== 3; message = await client.next()) {
      count += message.target === 'hear' ? 1 : 0;
    }
    return count;
  }

  /** What each member has heard by the time a call of its own is answered. */
  async function heard(): Promise<Record<Member, number>> {
    const counts: Partial<Record<Member, number>> = {};
    for (const [name, client] of Object.entries(classic)) {
      await client.invoke('RoomHub', 'enter');
      counts[name as Member] = client.passedOver.filter(({ M }) => M === 'hear').length;
    }
    for (const [name, client] of Object.entries(core)) {
      counts[name as Member] = await callAndListen(client, 'enter');
    }
    return counts as Record<Member, number>;
  }

  const expected = (of: Heard): Heard => ({ classicA: 0, classicB: 0, coreA: 0, coreB: 0, ...of });

  test.each(SELECTORS)('[core 153] $name, called by a classic client', async ({ select, heard: reach }) => {
    say = select;
    await classic.classicA.invoke('RoomHub', 'speak');
    expect(await heard()).toEqual(expected(reach('classicA')));
  });

  test.each(SELECTORS)('$name, called by a Core client', async ({ select, heard: reach }) => {
    say = select;
    const own = await callAndListen(core.coreA, 'speak');
    const counts = await heard();
    expect({ ...counts, coreA: counts.coreA + own }).toEqual(expected(reach('coreA')));
  });

  test.each(SELECTORS.filter(({ ofCaller }) => ofCaller !== true))(
    '$name, from a hub context',
    async ({ select, heard: reach }) => {
      const context: IHubContext<RoomHub> = app.app.get(HubContextRegistry).get(RoomHub);
      await select(context.clients as RoomHub['clients'], ids).hear('x');
      expect(await heard()).toEqual(expected(reach('classicA')));
    },
  );

  test('[core 154] a member of two groups hears what is said to both twice', async () => {
    say = (clients) => clients.groups(['red', 'blue']);
    await classic.classicA.invoke('RoomHub', 'speak');
    expect(await heard()).toMatchObject({ coreB: 2, classicB: 2 });
  });
});
