import type { HubCallerClients } from 'nestjs-signalr';

/** A message to a selection of clients, as data: it can be given to a hub method or to another process. */
export interface RoomMessage {
  /** A member of a hub's `clients`. */
  readonly selector: keyof HubCallerClients;
  /** What the selector is called with; null for one that is a property. */
  readonly args: readonly unknown[] | null;
  readonly text: string;
}

/** Says a text with the `clients` of a hub or of a hub context. */
export function say(clients: object, { selector, args, text }: RoomMessage): Promise<void> {
  const member = (clients as Record<string, unknown>)[selector];
  const selection =
    args === null ? member : (member as (...all: unknown[]) => unknown).apply(clients, [...args]);
  return (selection as { hear(text: string): Promise<void> }).hear(text);
}

/** Who is in a room: of each kind of client an `A` and a `B`, such as `Core LongPolling B`. */
export type MemberName = `${string} ${'A' | 'B'}`;

/** What everybody in the room has to hear. */
export type Heard = Readonly<Record<MemberName, readonly string[]>>;

/** A selector, and whom it reaches. */
export interface RoomSelector {
  readonly name: string;
  readonly selector: RoomMessage['selector'];
  readonly args: (ids: Readonly<Record<MemberName, string>>) => RoomMessage['args'];
  /** Who hears what is said to it; named twice for who hears it twice. */
  readonly receivers: (caller: MemberName | undefined) => readonly MemberName[];
  /** True for selectors that start from the caller: a hub context has none. */
  readonly isOfCaller?: true;
}

const isA = (member: MemberName): boolean => member.endsWith('A');
const isB = (member: MemberName): boolean => member.endsWith('B');

/** All A are one user, all B another one. */
export const userOf = (member: MemberName): string => (isA(member) ? 'A' : 'B');

/** Everybody is in group `red`, the B are in `blue` as well. */
export const groupsOf = (member: MemberName): readonly string[] => (isA(member) ? ['red'] : ['red', 'blue']);

/** Everybody in a room of some kinds of clients. */
export const membersOf = (kinds: readonly string[]): readonly MemberName[] =>
  kinds.flatMap((kind): MemberName[] => [`${kind} A`, `${kind} B`]);

/** What each member hears if these, and nobody else, hear a text. */
export function heardBy(
  members: readonly MemberName[],
  receivers: readonly MemberName[],
  text: string,
): Heard {
  return Object.fromEntries(
    members.map((member) => [member, receivers.filter((receiver) => receiver === member).map(() => text)]),
  );
}

/** Every selector, and whom it reaches in a room of some kinds of clients. */
export function roomSelectors(kinds: readonly string[]): readonly RoomSelector[] {
  const red = membersOf(kinds);
  const blue = red.filter(isB);
  const redAndBlue = [...red, ...blue];
  // Of each kind the one or the other, so that every kind is reached by some selections and left out by others.
  const some = kinds.map((kind, index): MemberName => `${kind} ${index % 2 === 0 ? 'A' : 'B'}`);
  const rest = red.filter((member) => !some.includes(member));
  const onlySome = (members: readonly MemberName[]): MemberName[] =>
    members.filter((member) => some.includes(member));
  const allBut = (members: readonly MemberName[], caller: MemberName | undefined): MemberName[] =>
    members.filter((member) => member !== caller);

  const ofEverybody: readonly RoomSelector[] = [
    { name: 'all', selector: 'all', args: () => null, receivers: () => red },
    {
      name: 'allExcept(one of each)',
      selector: 'allExcept',
      args: (ids) => [blue.map((member) => ids[member])],
      receivers: () => red.filter(isA),
    },
    { name: 'allExcept(none)', selector: 'allExcept', args: () => [[]], receivers: () => red },
    ...red.map((member): RoomSelector => {
      return {
        name: `client(${member})`,
        selector: 'client',
        args: (ids) => [ids[member]],
        receivers: () => [member],
      };
    }),
    {
      name: 'clients',
      selector: 'clients',
      args: (ids) => [some.map((member) => ids[member])],
      receivers: () => some,
    },
    { name: 'clients(none)', selector: 'clients', args: () => [[]], receivers: () => [] },
    { name: 'group', selector: 'group', args: () => ['blue'], receivers: () => blue },
    { name: 'group(unknown)', selector: 'group', args: () => ['green'], receivers: () => [] },
    {
      name: 'group, with exclusions',
      selector: 'group',
      args: (ids) => ['red', ...rest.map((member) => ids[member])],
      receivers: () => some,
    },
    { name: 'groups', selector: 'groups', args: () => [['red', 'blue']], receivers: () => redAndBlue },
    {
      name: 'groups, with exclusions',
      selector: 'groups',
      args: (ids) => [['red', 'blue'], ...rest.map((member) => ids[member])],
      receivers: () => onlySome(redAndBlue),
    },
    { name: 'user', selector: 'user', args: () => ['A'], receivers: () => red.filter(isA) },
    {
      name: 'user, with exclusions',
      selector: 'user',
      args: (ids) => ['B', ...rest.map((member) => ids[member])],
      receivers: () => onlySome(blue),
    },
    { name: 'users', selector: 'users', args: () => [['A', 'B']], receivers: () => red },
    {
      name: 'users, with exclusions',
      selector: 'users',
      args: (ids) => [['A', 'B'], ...rest.map((member) => ids[member])],
      receivers: () => some,
    },
  ];
  const ofCaller: readonly RoomSelector[] = [
    {
      name: 'caller',
      selector: 'caller',
      args: () => null,
      receivers: (caller) => red.filter((member) => member === caller),
    },
    { name: 'others', selector: 'others', args: () => null, receivers: (caller) => allBut(red, caller) },
    {
      name: 'othersInGroup(of the caller)',
      selector: 'othersInGroup',
      args: () => ['red'],
      receivers: (caller) => allBut(red, caller),
    },
    {
      name: 'othersInGroup(another)',
      selector: 'othersInGroup',
      args: () => ['blue'],
      receivers: (caller) => allBut(blue, caller),
    },
    {
      name: 'othersInGroups',
      selector: 'othersInGroups',
      args: () => [['red', 'blue']],
      receivers: (caller) => allBut(redAndBlue, caller),
    },
  ];
  return [...ofEverybody, ...ofCaller.map((row): RoomSelector => ({ ...row, isOfCaller: true }))];
}
