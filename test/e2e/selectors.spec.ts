import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Hub,
  HubMethod,
  type HubRequest,
  type IHubContext,
  InjectHubContext,
  IUserIdProvider,
  SignalRHub,
} from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';

import { platforms, startApp, type TestApp } from '../support/app.js';
import { Matrix } from '../support/matrix.js';
import { enterAsClassic, enterAsCore, type RoomMember } from '../support/room-members.js';

interface RoomClient {
  hear(text: string): void;
}

/** Sends to a selection; what the selectors of a hub and of a hub context have in common and what not. */
type Say = (clients: RoomHub['clients'], ids: Ids) => { hear(text: string): Promise<void> };

const families = ['classic', 'json', 'packed'] as const;
type Family = (typeof families)[number];

/** The members of the room: of each family a caller and another one. */
type Member = `${Family}${'A' | 'B'}`;
const members = families.flatMap((family): Member[] => [`${family}A`, `${family}B`]);
type Ids = Readonly<Record<Member, string>>;

/** Who can send: a caller of each family from within the hub, and a service that has the hub's context. */
const senders = [...families, 'service'] as const;
type Sender = (typeof senders)[number];

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

@Injectable()
class Announcer {
  constructor(@InjectHubContext(RoomHub) private readonly room: IHubContext<RoomHub>) {}

  async speak(): Promise<void> {
    await say(this.room.clients as RoomHub['clients'], ids).hear('x');
  }
}

/** `A` is in group `red`, `B` in `red` and `blue`; all A are one user, all B another one. */
class FamilyUserIds extends IUserIdProvider {
  override getUserId(request: HubRequest): string | undefined {
    return request.query.get('user');
  }
}

/** How often whom: members that are not named hear nothing. */
type Heard = Partial<Record<Member, number>>;

const everybody: Heard = Object.fromEntries(members.map((member) => [member, 1]));
const allA: Heard = { classicA: 1, jsonA: 1, packedA: 1 };
const allB: Heard = { classicB: 1, jsonB: 1, packedB: 1 };
const twiceB: Heard = { classicB: 2, jsonB: 2, packedB: 2 };

interface Selector {
  readonly name: string;
  readonly select: Say;
  readonly heard: (caller: Member) => Heard;
  /** True for selectors that start from the caller: a hub context has none. */
  readonly ofCaller?: true;
}

const selectors: readonly Selector[] = [
  { name: 'all', select: (clients) => clients.all, heard: () => everybody },
  {
    name: 'allExcept(one of each)',
    select: (clients, { classicB, jsonB, packedB }) => clients.allExcept([classicB, jsonB, packedB]),
    heard: () => allA,
  },
  { name: 'allExcept(none)', select: (clients) => clients.allExcept([]), heard: () => everybody },
  ...members.map((member): Selector => {
    return {
      name: `client(${member})`,
      select: (clients, { [member]: id }) => clients.client(id),
      heard: () => ({ [member]: 1 }),
    };
  }),
  {
    name: 'clients',
    select: (clients, { classicA, jsonB, packedA }) => clients.clients([classicA, jsonB, packedA]),
    heard: () => ({ classicA: 1, jsonB: 1, packedA: 1 }),
  },
  { name: 'clients(none)', select: (clients) => clients.clients([]), heard: () => ({}) },
  { name: 'group', select: (clients) => clients.group('blue'), heard: () => allB },
  { name: 'group(unknown)', select: (clients) => clients.group('green'), heard: () => ({}) },
  {
    name: 'group, with exclusions',
    select: (clients, { jsonA, classicB, packedB }) => clients.group('red', jsonA, classicB, packedB),
    heard: () => ({ classicA: 1, jsonB: 1, packedA: 1 }),
  },
  {
    name: 'groups',
    select: (clients) => clients.groups(['red', 'blue']),
    heard: () => ({ ...allA, ...twiceB }),
  },
  {
    name: 'groups, with exclusions',
    select: (clients, { jsonA, classicB, packedB }) =>
      clients.groups(['red', 'blue'], jsonA, classicB, packedB),
    heard: () => ({ classicA: 1, jsonB: 2, packedA: 1 }),
  },
  { name: 'user', select: (clients) => clients.user('A'), heard: () => allA },
  {
    name: 'user, with exclusions',
    select: (clients, { classicA, packedA }) => clients.user('A', classicA, packedA),
    heard: () => ({ jsonA: 1 }),
  },
  { name: 'users', select: (clients) => clients.users(['A', 'B']), heard: () => everybody },
  {
    name: 'users, with exclusions',
    select: (clients, { classicA, jsonB }) => clients.users(['A', 'B'], classicA, jsonB),
    heard: () => ({ ...everybody, classicA: 0, jsonB: 0 }),
  },
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
    name: 'othersInGroup(of the caller)',
    select: (clients) => clients.othersInGroup('red'),
    heard: (caller) => ({ ...everybody, [caller]: 0 }),
    ofCaller: true,
  },
  {
    name: 'othersInGroup(another)',
    select: (clients) => clients.othersInGroup('blue'),
    heard: () => allB,
    ofCaller: true,
  },
  {
    name: 'othersInGroups',
    select: (clients) => clients.othersInGroups(['red', 'blue']),
    heard: (caller) => ({ ...allA, ...twiceB, [caller]: 0 }),
    ofCaller: true,
  },
];

const columnOf = (sender: Sender, receiver: Family): string => `${sender} → ${receiver}`;

const matrix = new Matrix(
  `Selectors, from a hub and from a service, on ${platforms.join(' and ')}:`,
  selectors.map(({ name }) => name),
  senders.flatMap((sender) => families.map((receiver) => columnOf(sender, receiver))),
  (row, column) => {
    const isOfCaller = selectors.some(({ name, ofCaller }) => name === row && ofCaller);
    return isOfCaller && column.startsWith('service') ? undefined : platforms.length;
  },
);

afterAll(() => matrix.print('– a service has no caller'));

describe.each(platforms)('selectors reach both families on %s', (platform) => {
  let app: TestApp;
  let room: Readonly<Record<Member, RoomMember>>;

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [RoomHub],
      providers: [Announcer, { provide: IUserIdProvider, useClass: FamilyUserIds }],
      signalr: { hubProtocols: [new MessagePackHubProtocol()] },
    });
    const url = `${app.url}/signalr`;
    room = {
      classicA: await enterAsClassic(url, 'A'),
      classicB: await enterAsClassic(url, 'B'),
      jsonA: await enterAsCore(url, 'A'),
      jsonB: await enterAsCore(url, 'B'),
      packedA: await enterAsCore(url, 'A', new ClientProtocol()),
      packedB: await enterAsCore(url, 'B', new ClientProtocol()),
    };
    const entered = members.map(async (member) => {
      const groups = member.endsWith('A') ? ['red'] : ['red', 'blue'];
      return [member, await room[member].invoke('enter', ...groups)] as const;
    });
    ids = Object.fromEntries(await Promise.all(entered)) as Ids;
  });

  afterAll(async () => {
    await Promise.all(Object.values(room).map((member) => member.stop()));
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** What each member has heard by the time a call of its own is answered. */
  async function heard(): Promise<Record<Member, number>> {
    const counts: Heard = {};
    for (const member of members) {
      await room[member].invoke('enter');
      counts[member] = room[member].takeHeard();
    }
    return counts as Record<Member, number>;
  }

  const speak = (sender: Sender): Promise<unknown> =>
    sender === 'service' ? app.app.get(Announcer).speak() : room[`${sender}A`].invoke('speak');

  describe.each(senders)('from: %s', (sender) => {
    const possible = selectors.filter(({ ofCaller }) => sender !== 'service' || ofCaller !== true);

    test.each(possible)('[core 153] $name', async ({ name, select, heard: reach }) => {
      say = select;
      await speak(sender);
      const silence = Object.fromEntries(members.map((member) => [member, 0]));
      // A service is nobody's caller: whoever is named here, its selectors do not ask.
      const caller: Member = sender === 'service' ? 'classicA' : `${sender}A`;
      expect(await heard()).toEqual({ ...silence, ...reach(caller) });
      families.forEach((receiver) => matrix.pass(name, columnOf(sender, receiver)));
    });
  });

  test('[core 154] a member of two groups hears what is said to both twice', async () => {
    say = (clients) => clients.groups(['red', 'blue']);
    await speak('service');
    expect(await heard()).toMatchObject(twiceB);
  });
});
