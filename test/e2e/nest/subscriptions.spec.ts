import { expect, test } from 'vitest';
import { type Backplane, Hub, HubContextRegistry, MemoryBackplane, SignalRHub } from 'nestjs-signalr';
import { createTestClient } from 'nestjs-signalr/testing';

import { startApp } from '../../support/app.js';

@Hub()
class RoomHub extends SignalRHub {}

test('nobody is in a group before the backplane has subscribed to it, whoever joined it first', async () => {
  let confirm = (): void => undefined;
  const backplane: Backplane = new MemoryBackplane();
  const subscribe = backplane.subscribe.bind(backplane);
  backplane.subscribe = async (topic) => {
    await subscribe(topic);
    if (topic.startsWith('g-')) {
      await new Promise<void>((resolve) => {
        confirm = () => resolve();
      });
    }
  };
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
  confirm();
  await Promise.all(joining);
  expect(new Set(joined)).toEqual(new Set([0, 1]));
  await Promise.all(clients.map((client) => client.close()));
  await close();
});
