import { expect, test } from 'vitest';

import type { Connection } from '../../lib/connections/connection.js';
import { ConnectionRegistry } from '../../lib/connections/connection-registry.js';
import type { Backplane } from '../../lib/messaging/backplane.js';
import { MemoryBackplane } from '../../lib/messaging/memory-backplane.js';
import { FakeClock } from '../support/fake-clock.js';
import { deferred } from '../support/inbox.js';

test('who asks again for a subscription that is not confirmed waits for it like the first one', async () => {
  const confirmed = deferred();
  const backplane: Backplane = Object.assign(new MemoryBackplane(), { subscribe: () => confirmed.promise });
  const registry = new ConnectionRegistry(backplane, { relay: undefined as never, clock: new FakeClock() });
  const connection = { id: 'c', topics: new Set() } as unknown as Connection;
  const log: string[] = [];
  const first = Promise.resolve(registry.subscribe(connection, 't')).then(() => log.push('first'));
  const second = Promise.resolve(registry.subscribe(connection, 't')).then(() => log.push('second'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual([]);
  confirmed.resolve();
  await Promise.all([first, second]);
  expect(log.toSorted()).toEqual(['first', 'second']);
  expect(registry.subscribe(connection, 't')).toBeUndefined();
});
