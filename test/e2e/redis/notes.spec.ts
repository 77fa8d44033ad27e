import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NodeNote } from 'nestjs-signalr';

import { Inbox } from '../../support/inbox.js';
import { type FarmNode, RedisFarm, untilHealth } from '../../support/redis-farm.js';
import { RedisServer } from '../../support/redis-server.js';
import { missing } from '../../support/requirements.js';

const note = (text: string): NodeNote => ({ type: 'relay', relay: 'r', say: { part: 'data', data: [text] } });

describe.skipIf(missing('redis'))('notes between nodes', () => {
  let redis: RedisServer;
  let farm: RedisFarm;
  let here: FarmNode;
  let there: FarmNode;
  const missed = new Inbox<string>();

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterAll(() => redis.stop());

  afterEach(() => farm.stop());

  test('that may be lost are noticed when the line is back, those that are by the next one, and only once', async () => {
    farm = new RedisFarm(redis);
    [here, there] = [await farm.add(), await farm.add()];
    Object.assign(there.node, { missed: (from = 'anybody') => missed.put(from) });
    expect(await here.backplane.tell('n1', note('first'))).toBe(true);
    expect(await there.node.heard.next('the first')).toEqual({ note: note('first'), from: 'n0' });

    there.gate.close();
    await untilHealth(there.backplane, 'degraded');
    expect(await here.backplane.tell('n1', note('lost'))).toBe(false);
    there.gate.open();
    await untilHealth(there.backplane, 'up');
    expect(await missed.next('what the node suspects')).toBe('anybody');
    expect(missed.pending).toEqual([]);

    for (const text of ['second', 'third']) {
      expect(await here.backplane.tell('n1', note(text))).toBe(true);
      expect(await there.node.heard.next(text)).toEqual({ note: note(text), from: 'n0' });
    }
    expect(await missed.next('the news')).toBe('n0');
    expect(missed.pending).toEqual([]);
  });
});
