import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { seededRandom } from '../../chaos/random.mjs';
import { call, textOf } from '../../../lib/testing/conformance/recording-node.js';
import { type FarmNode, RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e6));
const TOPICS = ['a', 'b', 'c'];
const MESSAGES = 400;

describe.skipIf(missing('redis'))('over lines that break at random', () => {
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  test.each([7, seed])(
    'every node gets every message once, and those of one sender in order (CHAOS_SEED=%i)',
    async (theSeed) => {
      const random = seededRandom(theSeed);
      const farm = new RedisFarm(redis);
      const nodes = [await farm.add(), await farm.add(), await farm.add()];
      for (const topic of TOPICS) {
        await Promise.all(nodes.map(async ({ backplane }) => backplane.subscribe(topic)));
      }
      await Promise.all(nodes.map((node, sender) => speak(node, sender, random)));
      nodes.forEach(({ gate }) => gate.open());
      await Promise.all(nodes.map(({ backplane }) => untilHealth(backplane, 'up')));
      for (const { node } of nodes) {
        await expect
          .poll(() => node.received.pending.length, { timeout: 10_000 })
          .toBeGreaterThanOrEqual(nodes.length * MESSAGES);
        for (const sender of nodes.keys()) {
          const heard = node.received.pending.map(textOf).filter((text) => text.startsWith(`${sender}:`));
          expect(heard).toEqual(Array.from({ length: MESSAGES }, (_, index) => `${sender}:${index}`));
        }
        expect(node.gaps).toEqual([]);
      }
      await farm.stop();
    },
    60_000,
  );
});

/** Sends messages while its own line to Redis is cut, closed and stopped. */
async function speak(
  { backplane, gate }: FarmNode,
  sender: number,
  random: ReturnType<typeof seededRandom>,
): Promise<void> {
  for (let index = 0; index < MESSAGES; index++) {
    const chance = random.next();
    if (chance < 0.02) {
      gate.cut();
    } else if (chance < 0.03) {
      gate.close();
    } else if (chance < 0.04) {
      gate.stop('back');
    } else if (chance < 0.05) {
      gate.stop('there');
    } else if (chance < 0.2) {
      gate.open();
    }
    void backplane.publish(random.oneOf(TOPICS), call(`${sender}:${index}`));
    await new Promise((resolve) => setTimeout(resolve, 2 * random.next()));
  }
}
