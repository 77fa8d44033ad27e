import assert from 'node:assert/strict';

import type { Message } from '../../messaging/envelope.js';
import type { FarmCheck } from './backplane-farm.js';
import { call } from './recording-node.js';

const everyKind: readonly Message[] = [
  { ...call('x'), stateJson: '{"a":1}', encodedArguments: { messagepack: 'kaF4' }, excluded: ['1', '2'] },
  { type: 'progress', invocationId: '7', valueJson: '{"done":0.5}', stateJson: '{}' },
  { type: 'raw', valueJson: '"ü \\u2028 💬"', excluded: ['3'] },
];

/** Messages and who gets them. */
export const deliveryChecks: readonly FarmCheck[] = [
  {
    name: 'hands a message to every node that has subscribed to its topic, once',
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.subscribe('t');
      await there.backplane.subscribe('t');
      await here.backplane.publish('t', call('1'));
      await here.backplane.publish('t', call('2'));
      assert.deepEqual(await here.node.texts(2), ['1', '2']);
      assert.deepEqual(await there.node.texts(2), ['1', '2']);
    },
  },
  {
    name: 'hands nothing to others, and nothing after unsubscribing',
    async run(farm) {
      const [here, there] = await farm.two();
      await here.backplane.subscribe('t');
      await here.backplane.subscribe('last');
      await there.backplane.subscribe('last');
      await here.backplane.publish('t', call('first'));
      assert.deepEqual(await here.node.texts(1), ['first']);
      await here.backplane.unsubscribe('t');
      await here.backplane.publish('t', call('second'));
      // Messages of one sender keep their order: had the second come, it would have come before this one.
      await here.backplane.publish('last', call('third'));
      assert.deepEqual(await here.node.texts(1), ['third']);
      assert.deepEqual(await there.node.texts(1), ['third']);
    },
  },
  {
    name: 'keeps the order of one sender, over topics',
    async run(farm) {
      const [here, there] = await farm.two();
      await there.backplane.subscribe('a');
      await there.backplane.subscribe('b');
      const sent = Array.from({ length: 50 }, (_, index) => `${index}`);
      for (const text of sent) {
        await here.backplane.publish(Number(text) % 2 === 0 ? 'a' : 'b', call(text));
      }
      assert.deepEqual(await there.node.texts(50), sent);
    },
  },
  {
    name: 'hands every kind of message on as it was published, with its topic',
    async run(farm) {
      const [here, there] = await farm.two();
      await there.backplane.subscribe('t');
      for (const message of everyKind) {
        await here.backplane.publish('t', message);
        const { topic, message: received } = await there.node.received.next(`a message: ${message.type}`);
        assert.deepEqual({ topic, message: received }, { topic: 't', message });
      }
    },
  },
  {
    name: 'tells that it is up',
    async run(farm) {
      const { backplane } = await farm.one();
      assert.equal((await backplane.health()).status, 'up');
    },
  },
];
