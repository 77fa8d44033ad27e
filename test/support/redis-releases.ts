import { createRequire } from 'node:module';

import type { createClient, createCluster } from 'redis';

/** A release of the `redis` package, and what it makes. */
export interface RedisRelease {
  readonly name: string;
  readonly createClient: typeof createClient;
  readonly createCluster: typeof createCluster;
}

/** The releases of the `redis` package that users may have and that are installed here, under their aliases. */
export const redisReleases: readonly RedisRelease[] = ['redis', 'redis-5'].flatMap((name) => {
  const require = createRequire(import.meta.url);
  try {
    const { version } = require(`${name}/package.json`) as { version: string };
    return [{ ...(require(name) as RedisRelease), name: `redis ${version}` }];
  } catch {
    return [];
  }
});
