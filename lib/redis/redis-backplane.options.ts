import { type Clock, systemClock } from '../common/clock.js';
import { SignalRError } from '../common/errors.js';
import {
  atLeast,
  mergeOptions,
  oneOf,
  or,
  type OptionRule,
  type OptionRules,
  text,
  wholeNumber,
} from '../common/option-rules.js';
import type { AnyRedisClient } from './redis-clients.js';

/** Options of {@link redisBackplane}, complete. */
export interface RedisBackplaneSettings {
  /** Where Redis is, as `createClient({ url })` takes it; read once, at start. Default: `redis://localhost:6379`. */
  readonly url: string | undefined;
  /**
   * A client of the `redis` package to take the place of `url`: from `createClient`, `createCluster` or `createSentinel`, with
   * whatever password, TLS and addresses it needs. Only duplicates of it are connected. Default: one for `url`.
   */
  readonly client: AnyRedisClient | undefined;
  /**
   * Name of the application, which all its keys and channels begin with: one for each application that shares a Redis.
   * Default: `signalr`.
   */
  readonly keyPrefix: string;
  /**
   * `streams` keeps messages for a while, so that clients may return to any node; `pubsub` only hands them on: less load, but
   * across nodes each message arrives at most once. The same for all nodes. Default: `streams`.
   */
  readonly mode: 'streams' | 'pubsub';
  /** Messages kept per topic for clients that come back; at least 32 are kept. Default: 1,000. */
  readonly bufferSize: number;
  /**
   * How long, in milliseconds, the messages of a topic are kept after its last one: as long as clients may stay away, and
   * somewhat longer. Default: 100,000 (signalr-2 §4.2).
   */
  readonly retention: number;
  /** How many messages of this node may wait for Redis. Default: 10,000. */
  readonly maxQueuedMessages: number;
  /** How many bytes they may have. Default: 16,777,216. */
  readonly maxQueuedBytes: number;
  /**
   * What becomes of messages while Redis cannot be reached: `queue` keeps them for later, up to the limits above, and
   * beyond them, as with `fail`, the sender gets an error and nobody the message. Default: `queue`.
   */
  readonly whenDown: 'queue' | 'fail';
  /** How long, in milliseconds, the application waits for Redis when it starts; then the start fails. Default: 10,000. */
  readonly startTimeout: number;
  /**
   * How long, in milliseconds, a node counts as alive after a sign of life, of which it gives three in this time. After that
   * others clear up what it has left behind. Default: 10,000.
   */
  readonly leaseDuration: number;
  /** Where time comes from; for tests. Default: the clock of the machine. */
  readonly clock: Clock;
}

/**
 * What {@link redisBackplane} takes: everything may be left out.
 *
 * @publicApi
 */
export type RedisBackplaneOptions = Partial<RedisBackplaneSettings>;

const MINIMUM_BUFFER_SIZE = 32;

export const redisDefaults: RedisBackplaneSettings = {
  url: undefined,
  client: undefined,
  keyPrefix: 'signalr',
  mode: 'streams',
  bufferSize: 1_000,
  retention: 100_000,
  maxQueuedMessages: 10_000,
  maxQueuedBytes: 16_777_216,
  whenDown: 'queue',
  startTimeout: 10_000,
  leaseDuration: 10_000,
  clock: systemClock,
};

/** The prefix becomes a hash tag, which ends at the first brace. */
const prefix: OptionRule = (value) =>
  text(value) ?? (/[{}]/.test(value as string) ? 'must not contain braces.' : undefined);

/** Only duplicates are connected, and sentinels of `redis` 5 have none. */
const client: OptionRule = (value) => {
  const { sendCommand, duplicate } = (value ?? {}) as Partial<AnyRedisClient>;
  if (typeof sendCommand !== 'function') {
    return 'must be a client of the redis package.';
  }
  return typeof duplicate === 'function'
    ? undefined
    : 'cannot be duplicated: clients of sentinels need version 6 of the redis package.';
};

const rules: OptionRules<RedisBackplaneSettings> = {
  url: or(undefined, text),
  client,
  keyPrefix: prefix,
  mode: oneOf('streams', 'pubsub'),
  bufferSize: wholeNumber(0),
  retention: wholeNumber(1),
  maxQueuedMessages: wholeNumber(1),
  maxQueuedBytes: wholeNumber(1),
  whenDown: oneOf('queue', 'fail'),
  startTimeout: atLeast(1),
  leaseDuration: atLeast(100),
  clock: (value) =>
    typeof (value as { now?: unknown } | null)?.now === 'function' ? undefined : 'must be a clock.',
};

/** Checks the options and completes them. @throws SignalRError SIGNALR_OPTION_UNKNOWN, SIGNALR_OPTION_INVALID */
export function resolveRedisOptions(given: RedisBackplaneOptions): RedisBackplaneSettings {
  const settings = mergeOptions(rules, redisDefaults, given, 'redisBackplane.');
  if (settings.url !== undefined && settings.client !== undefined) {
    throw SignalRError.of(
      'SIGNALR_OPTION_INVALID',
      'redisBackplane.url',
      'is not used together with client.',
    );
  }
  return { ...settings, bufferSize: Math.max(settings.bufferSize, MINIMUM_BUFFER_SIZE) };
}
