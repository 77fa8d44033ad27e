import assert from 'node:assert/strict';

import type { FarmCheck } from './backplane-farm.js';
import { call, textOf } from './recording-node.js';

/** More than a backplane with limits for tests keeps of a topic, and more idle topics than it keeps. */
const MANY_MESSAGES = 150;
const MANY_TOPICS = 20;

/** What returning connections get. */
export const replayChecks: readonly FarmCheck[] = [
  {
    name: 'replays what came after a cursor, over topics, in order, once',
    async run(farm) {
      const { backplane, node } = await farm.one();
      const topics = [{ topic: 'a' }, { topic: 'b' }];
      await backplane.subscribe('a');
      await backplane.subscribe('b');
      await backplane.publish('a', call('before'));
      const cursor = backplane.tail();
      await backplane.publish('a', call('1'));
      await backplane.publish('b', call('2'));
      await backplane.publish('a', call('3'));
      assert.deepEqual(await node.texts(4), ['before', '1', '2', '3']);
      const { envelopes, known, complete } = await backplane.replay(topics, cursor);
      assert.deepEqual(
        { texts: envelopes.map(textOf), known, complete },
        { texts: ['1', '2', '3'], known: true, complete: true },
      );
      const rest = await backplane.replay(topics, envelopes[1]?.position ?? '');
      assert.deepEqual(rest.envelopes.map(textOf), ['3']);
      const nothing = await backplane.replay(topics, backplane.tail());
      assert.deepEqual(nothing.envelopes.map(textOf), []);
    },
  },
  {
    name: 'replays nothing of a topic up to the position where it was joined',
    async run(farm) {
      const { backplane, node } = await farm.one();
      await backplane.subscribe('a');
      await backplane.subscribe('g');
      const cursor = backplane.tail();
      await backplane.publish('g', call('before joining'));
      await node.texts(1);
      const since = backplane.tail();
      await backplane.publish('a', call('1'));
      await backplane.publish('g', call('2'));
      await node.texts(2);
      const { envelopes } = await backplane.replay([{ topic: 'a' }, { topic: 'g', since }], cursor);
      assert.deepEqual(envelopes.map(textOf), ['1', '2']);
    },
  },
  {
    name: 'says so when messages of a topic are no longer kept',
    async run(farm) {
      const { backplane, node } = await farm.one();
      await backplane.subscribe('t');
      const cursor = backplane.tail();
      const sent = Array.from({ length: MANY_MESSAGES }, (_, index) => `${index}`);
      for (const text of sent) {
        await backplane.publish('t', call(text));
      }
      await node.texts(MANY_MESSAGES);
      const { envelopes, complete } = await backplane.replay([{ topic: 't' }], cursor);
      const missing = sent.length - envelopes.length;
      assert.deepEqual(
        { texts: envelopes.map(textOf), complete },
        { texts: sent.slice(missing), complete: missing === 0 },
      );
    },
  },
  {
    name: 'says so when a topic is no longer kept, also to who subscribes to it again',
    async run(farm) {
      const { backplane, node } = await farm.one();
      const topics = Array.from({ length: MANY_TOPICS }, (_, index) => ({ topic: `t${index}` }));
      const cursor = backplane.tail();
      for (const { topic } of topics) {
        await backplane.subscribe(topic);
        await backplane.publish(topic, call(topic));
        await node.texts(1);
        await backplane.unsubscribe(topic);
      }
      const check = async (): Promise<void> => {
        const { envelopes, complete } = await backplane.replay(topics, cursor);
        assert.equal(
          complete,
          envelopes.length === topics.length,
          `complete with ${envelopes.length} topics`,
        );
      };
      await check();
      for (const { topic } of topics) {
        await backplane.subscribe(topic);
      }
      await check();
    },
  },
  {
    name: 'keeps a topic for a while after the last subscriber has gone',
    needsPast: true,
    async run(farm) {
      const { backplane, node } = await farm.one();
      await backplane.subscribe('t');
      const cursor = backplane.tail();
      await backplane.publish('t', call('1'));
      await node.texts(1);
      await backplane.unsubscribe('t');
      await backplane.publish('t', call('2'));
      const { envelopes } = await backplane.replay([{ topic: 't' }], cursor);
      assert.deepEqual(envelopes.map(textOf), ['1', '2']);
    },
  },
  {
    name: 'replays nothing that was said elsewhere before the node joined',
    needsPast: true,
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.subscribe('other');
      const cursor = here.backplane.tail();
      await there.backplane.publish('t', call('before joining'));
      const tail = here.backplane.tail();
      await here.backplane.subscribe('t');
      const since = here.backplane.joinedAt?.('t', tail) ?? tail;
      await there.backplane.publish('t', call('1'));
      await here.node.texts(1);
      for (const { backplane } of [here, there]) {
        const { envelopes } = await backplane.replay([{ topic: 't', since }], cursor);
        assert.deepEqual(envelopes.map(textOf), ['1']);
      }
    },
  },
  {
    name: 'replays on one node what was missed on another, each message once',
    needsPast: true,
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.subscribe('t');
      await here.backplane.publish('t', call('1'));
      const { position } = await here.node.received.next('a message');
      await here.backplane.unsubscribe('t');
      await there.backplane.publish('t', call('2'));
      await there.backplane.subscribe('t');
      await there.backplane.publish('t', call('3'));
      const { envelopes, known, complete } = await there.backplane.replay([{ topic: 't' }], position);
      assert.deepEqual(
        { texts: envelopes.map(textOf), known, complete },
        { texts: ['2', '3'], known: true, complete: true },
      );
    },
  },
  {
    name: 'knows nothing of a cursor of another log',
    async run(farm) {
      const { backplane } = await farm.one();
      await backplane.subscribe('t');
      for (const cursor of ['', 'A', 'DEADBEEF-1', 'A,0|B,1']) {
        const { envelopes, known } = await backplane.replay([{ topic: 't' }], cursor);
        assert.deepEqual(
          { cursor, texts: envelopes.map(textOf), known },
          { cursor, texts: [], known: false },
        );
      }
    },
  },
];
