import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Matrix } from '../../support/matrix.js';
import { NODES, ProcessFarm } from '../../support/processes/process-farm.js';
import { missing } from '../../support/requirements.js';
import { classicKinds, coreKinds } from '../../support/room-kinds.js';
import type { RoomMember } from '../../support/room-members.js';
import {
  groupsOf,
  heardBy,
  type MemberName,
  membersOf,
  type RoomMessage,
  roomSelectors,
  userOf,
} from '../../support/room-table.js';

const kinds = [...classicKinds, ...coreKinds];
const names = kinds.map(({ name }) => name);
const members = membersOf(names);
const selectors = roomSelectors(names);

let farm: ProcessFarm;
const room = new Map<MemberName, RoomMember>();
const ids: Record<MemberName, string> = {};
/** Which node has the connection of a member. */
const homes: Record<MemberName, string> = {};

interface Sender {
  readonly name: string;
  /** Who calls the hub; undefined for the hub context of a node. */
  readonly caller: MemberName | undefined;
  readonly speak: (...messages: RoomMessage[]) => Promise<unknown>;
}

const senders: readonly Sender[] = [
  ...names.map((name): Sender => {
    const caller: MemberName = `${name} A`;
    return {
      name: `the hub, called over ${name}`,
      caller,
      speak: (...messages) => (room.get(caller) as RoomMember).invoke('speak', messages),
    };
  }),
  ...NODES.map((node, index): Sender => {
    return {
      name: `the hub context of node ${node}`,
      caller: undefined,
      speak: (...messages) => farm.speak(index, ...messages),
    };
  }),
];

const matrix = new Matrix(
  `Selectors over three processes, from hubs called over each transport and from the hub context of each node:`,
  selectors.map(({ name }) => name),
  names,
  (row) => {
    const isOfCaller = selectors.some((selector) => selector.name === row && selector.isOfCaller);
    return senders.filter(({ caller }) => caller !== undefined || !isOfCaller).length;
  },
);

/** What each member has heard by the time it hears a closing text. */
async function heardUntil(end: string): Promise<unknown> {
  const heard = [...room].map(async ([name, member]) => [name, await member.heardUntil(end)] as const);
  return Object.fromEntries(await Promise.all(heard));
}

const toAll = (text: string): RoomMessage => ({ selector: 'all', args: null, text });

describe.skipIf(missing('redis'))('three processes without sticky sessions', () => {
  beforeAll(async () => {
    farm = await ProcessFarm.start();
    for (const { name: kind, enter } of kinds) {
      for (const name of membersOf([kind])) {
        // Everybody begins at the next node, however many requests the one before has made.
        farm.proxy.turnTo(room.size);
        const member = await enter(farm.url, userOf(name));
        room.set(name, member);
        const { id, node } = (await member.invoke('enter', groupsOf(name))) as { id: string; node: string };
        ids[name] = id;
        homes[name] = node;
      }
    }
  }, 30_000);

  afterAll(async () => {
    matrix.print();
    try {
      await Promise.all([...room.values()].map((member) => member.stop()));
    } finally {
      await farm.close();
    }
    expect(farm.logged).toEqual([]);
  });

  test.each([
    ['callers', members.filter((name) => name.endsWith('A'))],
    ['classic clients', members.filter((name) => name.startsWith('classic'))],
    ['Core clients', members.filter((name) => !name.startsWith('classic'))],
  ])('each node has connections of %s', (_, some) => {
    expect(new Set(some.map((name) => homes[name]))).toEqual(new Set(NODES));
  });

  describe.each(senders)('from $name', ({ name: sender, caller, speak }) => {
    const possible = selectors.filter(({ isOfCaller }) => caller !== undefined || isOfCaller !== true);

    test.each(possible)('$name', async ({ name, selector, args, receivers }) => {
      const [text, end] = [`${sender} to ${name}`, `${sender} has spoken to ${name}`];
      await speak({ selector, args: args(ids), text }, toAll(end));
      expect(await heardUntil(end)).toEqual(heardBy(members, receivers(caller), text));
      names.forEach((receiver) => matrix.pass(name, receiver));
    });
  });

  test('nothing came twice, however late', async () => {
    await farm.speak(0, toAll('the end'));
    expect(await heardUntil('the end')).toEqual(heardBy(members, [], ''));
  });
});
