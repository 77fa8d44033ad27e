import { beforeEach, expect, test } from 'vitest';

import { Line } from '../../lib/redis/line.js';
import type { SubscriberConnection } from '../../lib/redis/redis-connections.js';
import { Subscriptions } from '../../lib/redis/subscriptions.js';
import { FakeClock } from '../support/fake-clock.js';

/** What Redis was asked for, and what answers it. */
let commands: { readonly text: string; readonly answer: () => void }[];
/** Channels that are said to be subscribed to. */
let confirmed: string[][];
let subscriptions: Subscriptions;

const command = (text: string): Promise<void> =>
  new Promise((resolve) => commands.push({ text, answer: resolve }));

const connection: SubscriberConnection = {
  onLost: undefined,
  onMessage: undefined,
  subscribe: (channels) => command(`SUBSCRIBE ${channels.join(' ')}`),
  unsubscribe: (channels) => command(`UNSUBSCRIBE ${channels.join(' ')}`),
  close: () => undefined,
};

/** Redis answers the latest command. */
async function answer(): Promise<string> {
  await settled();
  const { text, answer: give } = commands.at(-1) as (typeof commands)[number];
  give();
  await settled();
  return text;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(async () => {
  commands = [];
  confirmed = [];
  const line = new Line('subscriber', () => Promise.resolve(connection), new FakeClock());
  subscriptions = new Subscriptions(line, {
    subscribed: (channels) => {
      confirmed.push([...channels]);
      return Promise.resolve();
    },
    restored: () => undefined,
  });
  await line.open();
  await subscriptions.restore(connection);
});

test('a channel that is wanted again while it is given up counts as subscribed to only with its new subscription', async () => {
  void subscriptions.add('a');
  expect(await answer()).toBe('SUBSCRIBE a');
  expect(confirmed).toEqual([['a']]);
  subscriptions.remove('a');
  await settled();
  const again = subscriptions.add('a');
  expect(await answer()).toBe('UNSUBSCRIBE a');
  expect(confirmed).toEqual([['a']]);
  expect(await answer()).toBe('SUBSCRIBE a');
  await again;
  expect(confirmed).toEqual([['a'], ['a']]);
});

test('a channel that is given up before Redis has heard of it costs nothing', async () => {
  const added = subscriptions.add('a');
  subscriptions.remove('a');
  await added;
  expect(commands).toEqual([]);
  expect(confirmed).toEqual([]);
});

test('a channel that is given up and wanted again before Redis hears of it stays subscribed to', async () => {
  void subscriptions.add('a');
  await answer();
  subscriptions.remove('a');
  await subscriptions.add('a');
  expect(commands).toHaveLength(1);
  expect(confirmed).toEqual([['a'], ['a']]);
});
