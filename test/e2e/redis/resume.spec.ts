import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Envelope, Replay } from 'nestjs-signalr';

import { call, textOf } from '../../../lib/testing/conformance/recording-node.js';
import { type FarmNode, RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const topic = 't';

/** Who has come to a node, as its connection would see it. */
class Visitor {
  readonly texts: string[] = [];

  position: string;

  constructor(
    private readonly replay: Replay,
    tail: string,
  ) {
    this.position = replay.position ?? tail;
    replay.envelopes.forEach((envelope) => this.take(envelope));
  }

  async hear({ node }: FarmNode, count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const envelope = await node.received.next('a message');
      const { screen } = this.replay;
      const admitted = screen === undefined ? envelope : screen.admit(envelope);
      if (admitted !== undefined) {
        this.take(admitted);
      }
    }
  }

  private take(envelope: Envelope): void {
    this.texts.push(textOf(envelope));
    this.position = envelope.position;
  }
}

describe.skipIf(missing('redis'))('a connection that comes from another node', () => {
  let redis: RedisServer;
  let farm: RedisFarm;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  afterEach(() => farm.stop());

  async function three(): Promise<[FarmNode, FarmNode, FarmNode]> {
    farm = new RedisFarm(redis);
    const nodes: [FarmNode, FarmNode, FarmNode] = [await farm.add(), await farm.add(), await farm.add()];
    for (const { backplane } of nodes) {
      await backplane.subscribe(topic);
    }
    return nodes;
  }

  const visit = async ({ backplane, node }: FarmNode, cursor: string): Promise<Visitor> => {
    node.received.clear();
    const replay = await backplane.replay([{ topic }], cursor);
    return new Visitor(replay, backplane.tail());
  };

  test('does not get again what its node had handed to it before Redis had it', async () => {
    const [a, b, c] = await three();
    await a.backplane.publish(topic, call('1'));
    await a.node.texts(1);
    await b.node.texts(1);
    a.gate.close();
    await untilHealth(a.backplane, 'degraded');
    await a.backplane.publish(topic, call('2'));
    const { position } = await a.node.received.next('a message');
    await c.backplane.publish(topic, call('3'));
    await b.node.texts(1);
    // What others said meanwhile it has to get, and what its node had not said yet.
    await a.backplane.publish(topic, call('4'));
    const visitor = await visit(b, position);
    expect(visitor.texts).toEqual(['3']);
    a.gate.open();
    await visitor.hear(b, 2);
    expect(visitor.texts).toEqual(['3', '4']);
  });

  test('nor on a third node, when it goes on before the first one has reached Redis', async () => {
    const [a, b, c] = await three();
    a.gate.close();
    await untilHealth(a.backplane, 'degraded');
    await a.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    const onB = await visit(b, position);
    await c.backplane.publish(topic, call('2'));
    await onB.hear(b, 1);
    await c.node.texts(1);
    const onC = await visit(c, onB.position);
    expect(onC.texts).toEqual([]);
    a.gate.open();
    await a.backplane.publish(topic, call('3'));
    await onC.hear(c, 2);
    expect([...onB.texts, ...onC.texts]).toEqual(['2', '3']);
  });

  test('nor when it has missed nothing at a node that does not reach Redis', async () => {
    const [a, b, c] = await three();
    a.gate.close();
    b.gate.close();
    await untilHealth(a.backplane, 'degraded');
    await untilHealth(b.backplane, 'degraded');
    await a.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    const onB = await visit(b, position);
    expect(onB.texts).toEqual([]);
    a.gate.open();
    await c.node.texts(1);
    const onC = await visit(c, onB.position);
    expect(onC.texts).toEqual([]);
  });

  test('gets what its new node has said and Redis does not have yet', async () => {
    const [a, b] = await three();
    await a.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    await b.node.texts(1);
    b.gate.stop('there');
    const sent = ['2', '3'].map(async (text) => b.backplane.publish(topic, call(text)));
    const coming = b.backplane.replay([{ topic }], position);
    b.gate.open();
    const { envelopes } = await coming;
    expect(envelopes.map(textOf)).toEqual(['2', '3']);
    await Promise.all(sent);
    const again = await a.backplane.replay([{ topic }], envelopes.at(-1)?.position ?? '');
    expect(again.envelopes).toEqual([]);
  });

  test('brings along since when it is in a group, which its new node has joined later', async () => {
    const [a, b] = await three();
    await a.backplane.subscribe('g');
    const since = a.backplane.tail();
    await a.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    await a.backplane.publish('g', call('2'));
    await b.backplane.subscribe('g');
    await a.backplane.publish('g', call('3'));
    const { envelopes, complete } = await b.backplane.replay([{ topic }, { topic: 'g', since }], position);
    expect([envelopes.map(textOf), complete]).toEqual([['2', '3'], true]);
  });

  test('cannot be served while its node does not reach Redis, one of the same node can', async () => {
    const [a, b] = await three();
    await a.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    await b.backplane.unsubscribe(topic);
    await b.backplane.subscribe('other');
    const local = b.backplane.tail();
    b.gate.close();
    await untilHealth(b.backplane, 'degraded');
    await expect(b.backplane.replay([{ topic }], position)).rejects.toMatchObject({
      code: 'SIGNALR_BACKPLANE_DOWN',
    });
    await b.backplane.publish('other', call('2'));
    const { envelopes, known } = await b.backplane.replay([{ topic: 'other' }], local);
    expect([envelopes.map(textOf), known]).toEqual([['2'], true]);
  });

  test('polls are served without asking Redis', async () => {
    const [a, b] = await three();
    await b.backplane.publish(topic, call('1'));
    const { position } = await a.node.received.next('a message');
    await b.backplane.publish(topic, call('2'));
    await a.node.texts(1);
    const replay = a.backplane.replay([{ topic }], position) as Replay;
    expect(replay.envelopes.map(textOf)).toEqual(['2']);
  });

  test('is told when there was more than is kept', async () => {
    farm = new RedisFarm(redis);
    const [a, b] = [await farm.add({ bufferSize: 32 }), await farm.add({ bufferSize: 32 })];
    await a.backplane.subscribe(topic);
    const cursor = a.backplane.tail();
    for (let index = 0; index < 40; index++) {
      await a.backplane.publish(topic, call(`${index}`));
    }
    const { envelopes, known, complete } = await b.backplane.replay([{ topic }], cursor);
    expect([envelopes.length, known, complete]).toEqual([32, true, false]);
    const last = await b.backplane.replay([{ topic }], envelopes[0]?.position ?? '');
    expect([last.envelopes.length, last.complete]).toEqual([31, true]);
    // On the same node the past has the same length.
    expect(await a.backplane.replay([{ topic }], cursor)).toMatchObject({ complete: false });
  });

  test('a cursor that is damaged is an error, one beyond the end yields everything', async () => {
    const [a, b] = await three();
    await a.backplane.publish(topic, call('1'));
    await b.node.texts(1);
    const [epoch] = a.backplane.tail().split('-') as [string];
    for (const damaged of [
      `${epoch}-`,
      `${epoch}-xyz`,
      `${epoch}-1-2`,
      `${epoch}-1:AB`,
      `${epoch}-${'F'.repeat(40)}`,
    ]) {
      await expect((async () => b.backplane.replay([{ topic }], damaged))()).rejects.toThrow(
        'Invalid cursor.',
      );
    }
    const { envelopes } = await b.backplane.replay([{ topic }], `${epoch}-FFFF`);
    expect(envelopes.map(textOf)).toEqual(['1']);
  });
});
