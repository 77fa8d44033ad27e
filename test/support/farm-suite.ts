import { randomUUID } from 'node:crypto';

import { redisBackplane } from 'nestjs-signalr/redis';
import { afterAll, beforeAll, describe } from 'vitest';

import { type Platform, platforms } from './app.js';
import type { FarmOptions } from './farm.js';
import { sharedRedis } from './redis-server.js';
import { missing } from './requirements.js';

/** What a farm gets for its backplane; asked for once for each farm. */
export type FarmBackplane = () => Pick<FarmOptions, 'backplane'>;

/** Runs a suite for farms on both platforms, with servers that share their memory and with servers that share a Redis. */
export function describeFarm(
  name: string,
  suite: (platform: Platform, backplaneOptions: FarmBackplane) => void,
): void {
  describe.each(platforms)(`${name} on %s`, (platform) => {
    suite(platform, () => ({}));
  });

  describe.skipIf(missing('redis')).each(platforms)(`${name} on %s over Redis`, (platform) => {
    let redis: Awaited<ReturnType<typeof sharedRedis>>;

    beforeAll(async () => {
      redis = await sharedRedis();
    });

    afterAll(() => redis.stop());

    suite(platform, () => {
      const keyPrefix = `farm-${randomUUID()}`;
      return { backplane: () => redisBackplane({ url: redis.url, keyPrefix }) };
    });
  });
}

/** What {@link bySender} gives if each of three servers has sent one text of each kind. */
export function perServer(
  kinds: readonly string[],
  text = (kind: string, server: string) => `${kind} ${server}`,
): Record<string, string[]> {
  return Object.fromEntries(
    ['0', '1', '2'].map((server) => [server, kinds.map((kind) => text(kind, server))]),
  );
}

/** Only what one server sends keeps its order: the texts by what they end with, which is the server. */
export function bySender(texts: readonly unknown[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const text of texts.map(String)) {
    (groups[text.at(-1) as string] ??= []).push(text);
  }
  return groups;
}
