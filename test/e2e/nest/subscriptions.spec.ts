import { expect, test } from 'vitest';
import { Hub, HubContextRegistry, MemoryBackplane, SignalRHub } from 'nestjs-signalr';
import { createTestClient } from 'nestjs-signalr/testing';

import { startApp } from '../../support/app.js';

@Hub()
class RoomHub extends SignalRHub {}

/** Confirms subscriptions to groups when the test wants it to. */
class SlowBackplane extends MemoryBackplane {
  confirm: () => void = () => undefined;

  override subscribe(topic: string): void | Promise<void> {
    super.subscribe(topic);
    return topic.startsWith('g-') ? new Promise((resolve) => (this.confirm = resolve)) : undefined;
  }
}

test('nobody is in a group before the backplane has subscribed to it, whoever joined it first', async () => {
  const backplane = new SlowBackplane();
  const { app, close } = await startApp({ hubs: [RoomHub], signalr: { backplane } });
  const clients = [await createTestClient(app, RoomHub), await createTestClient(app, RoomHub)];
  const { groups } = app.get(HubContextRegistry).get(RoomHub);
  const joined: number[] = [];
  const joining = clients.map(async ({ connectionId }, index) => {
    await groups.add(connectionId, 'red');
    joined.push(index);
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(joined).toEqual([]);
  backplane.confirm();
  await Promise.all(joining);
  expect(joined.toSorted()).toEqual([0, 1]);
  await Promise.all(clients.map((client) => client.close()));
  await close();
});
