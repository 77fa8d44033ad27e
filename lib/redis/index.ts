import { RedisBackplane } from './redis-backplane.js';
import type { RedisBackplaneOptions } from './redis-backplane.options.js';

export { RedisBackplane } from './redis-backplane.js';
export type { RedisBackplaneOptions } from './redis-backplane.options.js';
export type { AnyRedisClient } from './redis-clients.js';

/**
 * The backplane for applications of several processes: `SignalRModule.forRoot({ backplane: redisBackplane({ url }) })`. Hubs
 * and clients notice nothing of it.
 *
 * @throws SignalRError SIGNALR_OPTION_UNKNOWN, SIGNALR_OPTION_INVALID
 * @publicApi
 */
export function redisBackplane(options: RedisBackplaneOptions = {}): RedisBackplane {
  return new RedisBackplane(options);
}
