import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { launchChromium } from '../support/browser.js';
import { ClassicPageClient } from '../support/classic-page.js';
import { type ClassicTransportName, classicTransports } from '../support/classic-transports.js';
import { bySender } from '../support/farm-suite.js';
import { take } from '../support/inbox.js';
import { KILLED, killAndRevive, speakInRoom } from '../support/processes/killed-node.js';
import { NODES, ProcessFarm } from '../support/processes/process-farm.js';
import { describeSelectors } from '../support/processes/selector-suite.js';
import { missing } from '../support/requirements.js';
import { coreKinds, type RoomKind } from '../support/room-kinds.js';
import { enterAsPage } from '../support/room-members.js';

/** How long, in milliseconds, clients may take to come back. */
const RETURN = 30_000;

const skipped = missing('chromium') || missing('redis');

describe.skipIf(skipped)('jquery.signalR in Chromium and three processes without sticky sessions', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  const pageKinds = classicTransports.map((transport): RoomKind => {
    return {
      name: `classic ${transport}`,
      enter: (url, user) => enterAsPage(browser, url, user, transport),
    };
  });

  describe('together with @microsoft/signalr in Node', () => {
    describeSelectors([...pageKinds, ...coreKinds]);
  });

  describe('by itself', () => {
    let farm: ProcessFarm;
    const clients: ClassicPageClient[] = [];

    beforeAll(async () => {
      farm = await ProcessFarm.start();
    });

    afterEach(async () => {
      const stopped = clients.splice(0);
      await Promise.all(stopped.map((client) => client.close()));
      expect(stopped.flatMap(({ complaints }) => complaints)).toEqual([]);
    });

    afterAll(async () => {
      await farm.close();
      expect(farm.logged).toEqual([]);
    });

    /** Connects to a node, where the client is in group `room`. */
    async function connect(transport: ClassicTransportName, home: number): Promise<ClassicPageClient> {
      const options = { hub: 'roomHub', transport, deadline: RETURN };
      const client = await farm.at(home, () => ClassicPageClient.start(browser, farm.url, options));
      clients.push(client);
      const entered = await client.invoke('enter', ['room']);
      expect(entered).toEqual({ id: client.connectionId, node: NODES[home] });
      return client;
    }

    test.each(classicTransports)(
      'over %s: calls, is told of progress, and hears every node',
      async (transport) => {
        const client = await connect(transport, 0);
        for (const value of [1, 'two', { three: [3] }]) {
          expect(await client.invoke('echo', value)).toEqual(value);
        }
        const { steps, result } = await client.follow('work', 3);
        // Whoever calls by requests may get the result before the last steps (docs/classic-clients.md).
        expect(steps).toEqual([1, 2, 3].slice(0, transport === 'webSockets' ? 3 : steps.length));
        expect(result).toBe('done');
        const said = await speakInRoom(farm, 'hello');
        expect(bySender(await take(client.heard, said.length))).toEqual(bySender(said));
      },
    );

    // Chromium does not tell a page that a frame of it broke off, as Internet Explorer does.
    const returning = classicTransports.filter((transport) => transport !== 'foreverFrame');

    test.each(returning)(
      'over %s: goes on when its node is killed, without a gap and without hearing anything twice',
      async (transport) => {
        const client = await connect(transport, KILLED);
        const before = await speakInRoom(farm, 'before');
        expect(bySender(await take(client.heard, before.length))).toEqual(bySender(before));
        const said = await killAndRevive(farm);
        expect(bySender(await take(client.heard, said.length))).toEqual(bySender(said));
        expect(await client.invoke('echo', 'still here')).toBe('still here');
        await farm.speak(0, { selector: 'client', args: [client.connectionId], text: 'the end' });
        expect(await client.heard.next('the end')).toBe('the end');
      },
    );
  });
});
