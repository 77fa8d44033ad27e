import { afterEach, describe, expect, test } from 'vitest';
import type { Backplane, BackplaneNode, ClientCall, Envelope, NodeCommand, NodeNote } from 'nestjs-signalr';

import { Inbox } from './inbox.js';

/** A node that writes down what it is given. */
export class RecordingNode implements BackplaneNode {
  readonly received = new Inbox<Envelope>();
  readonly commands: NodeCommand[] = [];
  readonly heard = new Inbox<{ note: NodeNote; from: string }>();
  /** Connections that it owns. */
  readonly owned = new Set<string>();

  constructor(readonly id: string) {}

  deliver(envelope: Envelope): void {
    this.received.put(envelope);
  }

  hear(note: NodeNote, from: string): void {
    this.heard.put({ note, from });
  }

  execute(command: NodeCommand): boolean {
    if (!this.owned.has(command.connectionId)) {
      return false;
    }
    this.commands.push(command);
    return true;
  }
}

/** A call of a client method with one text as its argument. */
export function call(text: string): ClientCall {
  return { type: 'call', hub: 'ChatHub', method: 'hear', argumentsJson: JSON.stringify([text]) };
}

/** The text of {@link call}. */
export const textOf = ({ message }: Envelope): string =>
  (JSON.parse((message as ClientCall).argumentsJson) as [string])[0];

/** What a backplane promises beyond what all do. */
export interface BackplaneTraits {
  /** The past can be replayed on every node, also of topics that nobody has been subscribed to for a while. Default: true. */
  readonly keepsPast?: boolean;
}

/**
 * What every backplane has to do.
 *
 * @param create makes backplanes of one farm: what is published through one reaches the others.
 */
export function describeBackplane(
  name: string,
  create: (count: number) => Backplane[],
  { keepsPast = true }: BackplaneTraits = {},
): void {
  const withPast = keepsPast ? ['t'] : [];

  describe(`${name} backplane`, () => {
    const started: Backplane[] = [];

    afterEach(async () => {
      for (const backplane of started.splice(0)) {
        await backplane.stop();
      }
    });

    async function farm<Count extends number>(
      count: Count,
    ): Promise<{ backplane: Backplane; node: RecordingNode }[]> {
      const nodes = create(count).map((backplane, index) => ({
        backplane,
        node: new RecordingNode(`n${index}`),
      }));
      for (const { backplane, node } of nodes) {
        await backplane.start(node);
        started.push(backplane);
      }
      return nodes;
    }

    type FarmNode = { backplane: Backplane; node: RecordingNode };
    const two = async (): Promise<[FarmNode, FarmNode]> => (await farm(2)) as [FarmNode, FarmNode];
    const one = async (): Promise<FarmNode> => (await farm(1))[0] as FarmNode;

    async function take(node: RecordingNode, count: number): Promise<string[]> {
      const texts: string[] = [];
      while (texts.length < count) {
        texts.push(textOf(await node.received.next('a message')));
      }
      return texts;
    }

    test('hands a message to every node that has subscribed to its topic', async () => {
      const [here, there] = await two();
      await here.backplane.subscribe('t');
      await there.backplane.subscribe('t');
      await here.backplane.publish('t', call('x'));
      expect(await take(here.node, 1)).toEqual(['x']);
      expect(await take(there.node, 1)).toEqual(['x']);
    });

    test('hands nothing to others, and nothing after unsubscribing', async () => {
      const [here, there] = await two();
      await here.backplane.subscribe('t');
      await there.backplane.subscribe('other');
      await here.backplane.publish('t', call('first'));
      await take(here.node, 1);
      await here.backplane.unsubscribe('t');
      await here.backplane.publish('t', call('second'));
      await there.backplane.publish('other', call('last'));
      expect(await take(there.node, 1)).toEqual(['last']);
      expect(here.node.received.pending).toEqual([]);
    });

    test('keeps the order of one sender, over topics', async () => {
      const [here, there] = await two();
      await there.backplane.subscribe('a');
      await there.backplane.subscribe('b');
      const sent = Array.from({ length: 50 }, (_, index) => `${index}`);
      for (const text of sent) {
        await here.backplane.publish(Number(text) % 2 === 0 ? 'a' : 'b', call(text));
      }
      expect(await take(there.node, 50)).toEqual(sent);
    });

    test('replays what came after a cursor, over topics, in order, once', async () => {
      const { backplane, node } = await one();
      await backplane.subscribe('a');
      await backplane.subscribe('b');
      await backplane.publish('a', call('before'));
      const cursor = backplane.tail();
      for (const [topic, text] of [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as const) {
        await backplane.publish(topic, call(text));
      }
      await take(node, 4);
      const { envelopes, known, complete } = await backplane.replay([{ topic: 'a' }, { topic: 'b' }], cursor);
      expect([envelopes.map(textOf), known, complete]).toEqual([['1', '2', '3'], true, true]);
      const [, second] = envelopes;
      const rest = await backplane.replay([{ topic: 'a' }, { topic: 'b' }], second?.position ?? '');
      expect(rest.envelopes.map(textOf)).toEqual(['3']);
      expect((await backplane.replay([{ topic: 'a' }], backplane.tail())).envelopes).toEqual([]);
    });

    test('replays nothing of a topic up to the position where it was joined', async () => {
      const { backplane, node } = await one();
      await backplane.subscribe('a');
      await backplane.subscribe('g');
      const cursor = backplane.tail();
      await backplane.publish('g', call('before joining'));
      await take(node, 1);
      const since = backplane.tail();
      await backplane.publish('a', call('1'));
      await backplane.publish('g', call('2'));
      await take(node, 2);
      const { envelopes } = await backplane.replay([{ topic: 'a' }, { topic: 'g', since }], cursor);
      expect(envelopes.map(textOf)).toEqual(['1', '2']);
    });

    test.each(withPast)('keeps a topic for a while after the last subscriber has gone', async (topic) => {
      const { backplane, node } = await one();
      await backplane.subscribe(topic);
      const cursor = backplane.tail();
      await backplane.publish(topic, call('1'));
      await take(node, 1);
      await backplane.unsubscribe(topic);
      await backplane.publish(topic, call('2'));
      const { envelopes } = await backplane.replay([{ topic }], cursor);
      expect(envelopes.map(textOf)).toEqual(['1', '2']);
    });

    test.each(withPast)('replays nothing that was said elsewhere before the node joined', async (topic) => {
      const [here, there] = await two();
      await here.backplane.subscribe('other');
      const cursor = here.backplane.tail();
      await there.backplane.publish(topic, call('before joining'));
      const tail = here.backplane.tail();
      await here.backplane.subscribe(topic);
      const since = here.backplane.joinedAt?.(topic, tail) ?? tail;
      await there.backplane.publish(topic, call('1'));
      await take(here.node, 1);
      for (const { backplane } of [here, there]) {
        const { envelopes } = await backplane.replay([{ topic, since }], cursor);
        expect(envelopes.map(textOf)).toEqual(['1']);
      }
    });

    test.each(withPast)(
      'replays on one node what was missed on another, each message once',
      async (topic) => {
        const [here, there] = await two();
        await here.backplane.subscribe(topic);
        await here.backplane.publish(topic, call('1'));
        const { position } = await here.node.received.next('a message');
        await here.backplane.unsubscribe(topic);
        await there.backplane.publish(topic, call('2'));
        await there.backplane.subscribe(topic);
        await there.backplane.publish(topic, call('3'));
        const { envelopes, known, complete } = await there.backplane.replay([{ topic }], position);
        expect([envelopes.map(textOf), known, complete]).toEqual([['2', '3'], true, true]);
      },
    );

    test('knows nothing of a cursor of another log', async () => {
      const { backplane } = await one();
      await backplane.subscribe('t');
      for (const cursor of ['', 'A', 'DEADBEEF-1', 'A,0|B,1']) {
        expect(await backplane.replay([{ topic: 't' }], cursor)).toMatchObject({
          envelopes: [],
          known: false,
        });
      }
    });

    test('has the owner of a connection carry out a command, wherever it is', async () => {
      const [here, there] = await two();
      there.node.owned.add('c');
      await there.backplane.directory.add({
        connectionId: 'c',
        nodeId: there.node.id,
        protocol: 'core',
        hubs: [],
        userId: undefined,
      });
      const command: NodeCommand = { type: 'addToGroup', connectionId: 'c', topic: 'g' };
      await here.backplane.command(command, 5_000);
      expect(there.node.commands).toEqual([command]);
      expect(here.node.commands).toEqual([]);
    });

    test('says so when nobody owns the connection', async () => {
      const { backplane } = await one();
      const command: NodeCommand = { type: 'removeFromGroup', connectionId: 'nobody', topic: 'g' };
      await expect(backplane.command(command, 20)).rejects.toMatchObject({ code: 'SIGNALR_ACK_TIMEOUT' });
    });

    test('hands notes to the node that they are for, in order, and knows when there is none', async () => {
      const [here, there] = await two();
      const notes = Array.from({ length: 50 }, (_, index): NodeNote => {
        return { type: 'relay', relay: 'r', say: { part: 'data', data: [`${index}`, { base64: 'AA==' }] } };
      });
      const told = await Promise.all(notes.map(async (note) => here.backplane.tell('n1', note)));
      expect(new Set(told)).toEqual(new Set([true]));
      for (const note of notes) {
        expect(await there.node.heard.next('a note')).toEqual({ note, from: 'n0' });
      }
      expect(here.node.heard.pending).toEqual([]);
      expect(await here.backplane.tell('nobody', { type: 'alive' })).toBe(false);
    });

    test('a connection has one owner, whoever claims it first, and none after its node has left', async () => {
      const [here, there] = await two();
      const entry = { connectionId: '1', protocol: 'core', hubs: [], userId: undefined } as const;
      const claims = await Promise.all([
        here.backplane.directory.claim({ ...entry, nodeId: 'n0' }),
        there.backplane.directory.claim({ ...entry, nodeId: 'n1' }),
      ]);
      const [{ nodeId }] = claims;
      expect(claims.map((claim) => claim.nodeId)).toEqual([nodeId, nodeId]);
      const taken = await here.backplane.directory.claim({ ...entry, nodeId: 'n2' }, nodeId);
      expect(taken.nodeId).toBe('n2');
      await here.backplane.directory.claim({ ...entry, nodeId }, 'n2');
      const route = { ...entry, connectionId: '2', nodeId, hubs: ['ChatHub'], isRouteOnly: true } as const;
      await here.backplane.directory.add(route);
      expect(await there.backplane.directory.find('2')).toMatchObject({ nodeId });
      expect(await there.backplane.directory.count({ hub: 'ChatHub' })).toBe(0);
      const [owner, other] = nodeId === 'n0' ? [here, there] : [there, here];
      await owner.backplane.stop();
      const { directory } = other.backplane;
      expect(await directory.claim({ ...entry, nodeId: other.node.id })).toMatchObject({
        nodeId: other.node.id,
      });
    });

    test('knows who is connected, with whom and in which groups', async () => {
      const [here, there] = await two();
      const entry = { nodeId: 'n0', protocol: 'core', hubs: ['ChatHub'], userId: 'ann' } as const;
      await here.backplane.directory.add({ ...entry, connectionId: '1' });
      await there.backplane.directory.add({ ...entry, connectionId: '2', nodeId: 'n1', userId: 'bob' });
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      const { directory } = there.backplane;
      expect(await directory.find('1')).toMatchObject({ nodeId: 'n0' });
      expect(await directory.count({ hub: 'ChatHub' })).toBe(2);
      expect(await directory.count({ hub: 'OtherHub' })).toBe(0);
      expect((await directory.list({ userId: 'bob' })).map(({ connectionId }) => connectionId)).toEqual([
        '2',
      ]);
      expect(await directory.count({ groupTopic: 'g-ChatHub.a' })).toBe(1);
      await here.backplane.directory.left('1', 'g-ChatHub.a');
      expect(await directory.count({ groupTopic: 'g-ChatHub.a' })).toBe(0);
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      await here.backplane.directory.remove('1');
      expect(await directory.find('1')).toBeUndefined();
      expect(await directory.count({ groupTopic: 'g-ChatHub.a' })).toBe(0);
    });

    test('the directory knows groups of connections and of users on all nodes, and who comes and goes', async () => {
      const [here, there] = await two();
      const { directory } = there.backplane;
      const changes: string[] = [];
      const stop = directory.watch(({ hub, userId, online }) =>
        changes.push(`${userId} ${online ? 'came to' : 'left'} ${hub}`),
      );
      // Whatever was asked for before is done when this is.
      await there.backplane.subscribe('t');
      const entry = { nodeId: 'n0', protocol: 'core', hubs: ['ChatHub'], userId: 'ann' } as const;
      await here.backplane.directory.add({ ...entry, connectionId: '1' });
      await here.backplane.directory.add({ ...entry, connectionId: '2' });
      await here.backplane.directory.joined('1', 'g-ChatHub.a');
      expect(await directory.groupsOf('1')).toEqual(['g-ChatHub.a']);
      expect(await directory.groupsOf('2')).toEqual([]);
      await here.backplane.directory.add({ ...entry, connectionId: '1', hubs: ['ChatHub', 'OtherHub'] });
      expect(await directory.groupsOf('1')).toEqual(['g-ChatHub.a']);
      await here.backplane.directory.remove('1');
      await here.backplane.directory.remove('2');
      expect(await directory.groupsOf('1')).toEqual([]);
      await expect
        .poll(() => changes)
        .toEqual(['ann came to ChatHub', 'ann came to OtherHub', 'ann left OtherHub', 'ann left ChatHub']);
      const later: boolean[] = [];
      const stopLater = directory.watch(({ online }) => later.push(online));
      stop();
      await here.backplane.directory.add({ ...entry, connectionId: '3' });
      await expect.poll(() => later).toEqual([true]);
      expect(changes).toHaveLength(4);
      stopLater();

      await here.backplane.directory.addUserGroup('u-ChatHub.ann', 'g-ChatHub.b');
      expect(await directory.userGroups('u-ChatHub.ann')).toEqual(['g-ChatHub.b']);
      await directory.removeUserGroup('u-ChatHub.ann', 'g-ChatHub.b');
      expect(await here.backplane.directory.userGroups('u-ChatHub.ann')).toEqual([]);
    });

    test('tells how it does', async () => {
      const { backplane } = await one();
      expect(await backplane.health()).toEqual({ status: 'up' });
    });
  });
}
