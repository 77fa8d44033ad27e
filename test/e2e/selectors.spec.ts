import { MessagePackHubProtocol as ClientProtocol } from '@microsoft/signalr-protocol-msgpack';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Hub,
  HubCallerClients,
  HubClients,
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
import {
  groupsOf,
  heardBy,
  type MemberName,
  membersOf,
  type RoomMessage,
  roomSelectors,
  say,
  userOf,
} from '../support/room-table.js';

const families = ['classic', 'json', 'packed'] as const;
type Family = (typeof families)[number];

/** How a client of each family comes in. */
const enter: Record<Family, (url: string, user: string) => Promise<RoomMember>> = {
  classic: (url, user) => enterAsClassic(url, user),
  json: (url, user) => enterAsCore(url, user),
  packed: (url, user) => enterAsCore(url, user, { protocol: new ClientProtocol() }),
};

const members = membersOf(families);
const selectors = roomSelectors(families);

/** Who can send: a caller of each family from within the hub, and a service that has the hub's context. */
const senders = [...families, 'service'] as const;
type Sender = (typeof senders)[number];

@Hub()
class RoomHub extends SignalRHub {
  @HubMethod()
  async enter(groups: string[]): Promise<string> {
    for (const group of groups) {
      await this.groups.add(this.context.connectionId, group);
    }
    return this.context.connectionId;
  }

  @HubMethod()
  async speak(messages: RoomMessage[]): Promise<void> {
    for (const message of messages) {
      await say(this.clients, message);
    }
  }
}

@Injectable()
class Announcer {
  constructor(@InjectHubContext(RoomHub) private readonly room: IHubContext<RoomHub>) {}

  async speak(messages: readonly RoomMessage[]): Promise<void> {
    for (const message of messages) {
      await say(this.room.clients, message);
    }
  }
}

class QueryUserIds extends IUserIdProvider {
  override getUserId(request: HubRequest): string | undefined {
    return request.query.get('user');
  }
}

const columnOf = (sender: Sender, receiver: Family): string => `${sender} → ${receiver}`;

const matrix = new Matrix(
  `Selectors, from a hub and from a service, on ${platforms.join(' and ')}:`,
  selectors.map(({ name }) => name),
  senders.flatMap((sender) => families.map((receiver) => columnOf(sender, receiver))),
  (row, column) => {
    const isOfCaller = selectors.some((selector) => selector.name === row && selector.isOfCaller);
    return isOfCaller && column.startsWith('service') ? undefined : platforms.length;
  },
);

afterAll(() => matrix.print('– a service has no caller'));

test('every selector has a row', () => {
  const names = [HubClients, HubCallerClients].flatMap(({ prototype }) =>
    Object.getOwnPropertyNames(prototype),
  );
  // The others select nothing: state travels with calls of the caller, and `select` is what selectors are made of.
  const others = ['constructor', 'select', 'callerState'];
  const rows = new Set<string>(selectors.map(({ selector }) => selector));
  expect(new Set(names.filter((name) => !others.includes(name)))).toEqual(rows);
});

describe.each(platforms)('selectors reach both families on %s', (platform) => {
  let app: TestApp;
  const room = new Map<MemberName, RoomMember>();
  const ids: Record<MemberName, string> = {};

  beforeAll(async () => {
    app = await startApp({
      platform,
      hubs: [RoomHub],
      providers: [Announcer, { provide: IUserIdProvider, useClass: QueryUserIds }],
      signalr: { hubProtocols: [new MessagePackHubProtocol()] },
    });
    for (const family of families) {
      for (const name of membersOf([family])) {
        const member = await enter[family](`${app.url}/signalr`, userOf(name));
        room.set(name, member);
        ids[name] = (await member.invoke('enter', groupsOf(name))) as string;
      }
    }
  });

  afterAll(async () => {
    await Promise.all([...room.values()].map((member) => member.stop()));
    await app.close();
    expect(app.logged).toEqual([]);
  });

  /** What each member has heard by the time it hears a closing text. */
  async function heardUntil(end: string): Promise<unknown> {
    const heard = [...room].map(async ([name, member]) => [name, await member.heardUntil(end)] as const);
    return Object.fromEntries(await Promise.all(heard));
  }

  const speak = (sender: Sender, ...messages: RoomMessage[]): Promise<unknown> =>
    sender === 'service'
      ? app.app.get(Announcer).speak(messages)
      : (room.get(`${sender} A`) as RoomMember).invoke('speak', messages);

  const toAll = (text: string): RoomMessage => ({ selector: 'all', args: null, text });

  describe.each(senders)('from: %s', (sender) => {
    const caller: MemberName | undefined = sender === 'service' ? undefined : `${sender} A`;
    const possible = selectors.filter(({ isOfCaller }) => caller !== undefined || isOfCaller !== true);

    test.each(possible)('[core 153] $name', async ({ name, selector, args, receivers }) => {
      const [text, end] = [`${sender} to ${name}`, `${sender} has spoken to ${name}`];
      await speak(sender, { selector, args: args(ids), text }, toAll(end));
      expect(await heardUntil(end)).toEqual(heardBy(members, receivers(caller), text));
      families.forEach((receiver) => matrix.pass(name, columnOf(sender, receiver)));
    });
  });

  test('[core 154] a member of two groups hears what is said to both twice', async () => {
    await speak('service', { selector: 'groups', args: [['red', 'blue']], text: 'x' }, toAll('end'));
    expect(await heardUntil('end')).toMatchObject({ 'json B': ['x', 'x'], 'json A': ['x'] });
  });
});
