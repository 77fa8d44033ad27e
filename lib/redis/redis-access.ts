import { SignalRError } from '../common/errors.js';
import type { Line } from './line.js';
import type { RedisSource } from './redis-clients.js';
import type { CommandConnection } from './redis-connections.js';
import type { RedisKeys } from './redis-keys.js';
import type { Script } from './script.js';

/** Sends commands to Redis, if it can be reached. */
export class RedisAccess {
  constructor(
    readonly keys: RedisKeys,
    readonly line: Line<CommandConnection>,
    readonly publishCommand: RedisSource['publishCommand'],
  ) {}

  get isOpen(): boolean {
    return this.line.current !== undefined;
  }

  /** @throws SignalRError SIGNALR_BACKPLANE_DOWN if there is no connection */
  send(args: readonly string[]): Promise<unknown> {
    const connection = this.line.current;
    return connection === undefined ? Promise.reject(this.down()) : connection.send(args);
  }

  /** @throws SignalRError SIGNALR_BACKPLANE_DOWN if there is no connection */
  run(
    script: Script,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const connection = this.line.current;
    return connection === undefined ? Promise.reject(this.down()) : script.run(connection, keys, args);
  }

  /** @returns how many have received it. */
  async publish(channel: string, payload: string): Promise<number> {
    return Number(await this.send([this.publishCommand, channel, payload]));
  }

  private down(): SignalRError {
    return SignalRError.because(this.line.failure, 'SIGNALR_BACKPLANE_DOWN', 'redis');
  }
}
