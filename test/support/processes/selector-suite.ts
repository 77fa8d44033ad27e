import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Matrix } from '../matrix.js';
import type { RoomKind } from '../room-kinds.js';
import type { RoomMember } from '../room-members.js';
import {
  groupsOf,
  heardBy,
  type MemberName,
  membersOf,
  type RoomMessage,
  roomSelectors,
  userOf,
} from '../room-table.js';
import { NODES, ProcessFarm } from './process-farm.js';

interface Sender {
  readonly name: string;
  /** Who calls the hub; undefined for the hub context of a node. */
  readonly caller: MemberName | undefined;
  readonly speak: (messages: readonly RoomMessage[]) => Promise<unknown>;
}

/**
 * Proves whom each selector reaches over three processes, called by hubs over each kind of client and by the hub context of
 * each process. Of each kind two clients are in the room, of which some selectors reach one and some the other.
 */
export function describeSelectors(kinds: readonly RoomKind[]): void {
  const names = kinds.map(({ name }) => name);
  const members = membersOf(names);
  const selectors = roomSelectors(names);
  const room = new Map<MemberName, RoomMember>();
  const ids: Record<MemberName, string> = {};
  /** Which node has the connection of a member. */
  const homes: Record<MemberName, string> = {};
  let farm: ProcessFarm;

  const senders: readonly Sender[] = [
    ...names.map((name): Sender => {
      const caller: MemberName = `${name} A`;
      const speak: Sender['speak'] = (messages) => (room.get(caller) as RoomMember).invoke('speak', messages);
      return { name: `the hub, called over ${name}`, caller, speak };
    }),
    ...NODES.map((node, index): Sender => {
      const speak: Sender['speak'] = (messages) => farm.speak(index, ...messages);
      return { name: `the hub context of node ${node}`, caller: undefined, speak };
    }),
  ];
  const sendersOf = (isOfCaller = false): readonly Sender[] =>
    senders.filter(({ caller }) => caller !== undefined || !isOfCaller);

  const matrix = new Matrix(
    'Selectors over three processes, from hubs called over each transport and from the hub context of each node:',
    selectors.map(({ name }) => name),
    names,
    (row) => sendersOf(selectors.find(({ name }) => name === row)?.isOfCaller).length,
  );

  /** What each member hears until it hears a closing text. */
  async function heardUntil(end: string): Promise<Record<MemberName, readonly string[]>> {
    const heard = [...room].map(async ([name, member]) => [name, await member.heardUntil(end)] as const);
    return Object.fromEntries(await Promise.all(heard));
  }

  const toAll = (text: string): RoomMessage => ({ selector: 'all', args: null, text });

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
  }, 60_000);

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
    const textOf = (row: string): string => `${sender} to ${row}`;
    let heard: Record<MemberName, readonly string[]>;

    // Everything is said in one go: the closing text comes after all of it, since one sender is heard in order.
    beforeAll(async () => {
      const end = textOf('the end');
      const messages = possible.map(({ name, selector, args }): RoomMessage => {
        return { selector, args: args(ids), text: textOf(name) };
      });
      await speak([...messages, toAll(end)]);
      heard = await heardUntil(end);
    });

    test.each(possible)('[core 183] $name', ({ name, receivers }) => {
      const text = textOf(name);
      const counted = members.map((member) => [member, heard[member]?.filter((each) => each === text)]);
      expect(Object.fromEntries(counted)).toEqual(heardBy(members, receivers(caller), text));
      names.forEach((receiver) => matrix.pass(name, receiver));
    });

    test.each(members)('%s hears what is meant for it in order, and nothing else', (member) => {
      const meant = possible.flatMap(({ name, receivers }) =>
        receivers(caller)
          .filter((receiver) => receiver === member)
          .map(() => textOf(name)),
      );
      expect(heard[member]).toEqual(meant);
    });
  });

  test('nothing comes twice, however late', async () => {
    await farm.speak(0, toAll('the end'));
    expect(await heardUntil('the end')).toEqual(heardBy(members, [], ''));
  });
}
