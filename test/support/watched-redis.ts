import { createSentinel } from 'redis';

import { Gate } from './gate.js';
import { RedisServer } from './redis-server.js';
import { until } from './until.js';

/** A Redis with a replica, and a sentinel that watches over both. */
export class WatchedRedis {
  private constructor(
    readonly primary: RedisServer,
    readonly replica: RedisServer,
    /** The line over which the replica gets what the primary has written. */
    readonly replication: Gate,
    readonly sentinel: RedisServer,
  ) {}

  /** @param args for both servers. */
  static async start(...args: readonly string[]): Promise<WatchedRedis> {
    const primary = await RedisServer.start('--repl-diskless-sync-delay', '0', ...args);
    const replication = await Gate.before(primary.port);
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${replication.port}`, ...args);
    await until('a replica', async () => ((await replica.command('ROLE')) as string[])[3] === 'connected');
    const sentinel = await RedisServer.startSentinel(primary);
    await until('a sentinel that knows the replica', async () => {
      const [found] = (await sentinel.command('SENTINEL', 'REPLICAS', RedisServer.MASTER)) as unknown[];
      // A list or an object, depending on the protocol that the client speaks.
      return /"master-link-status"[,:]"ok"/.test(JSON.stringify(found) ?? '');
    });
    return new WatchedRedis(primary, replica, replication, sentinel);
  }

  /** A client of the sentinel. */
  client(): ReturnType<typeof createSentinel> {
    return createSentinel({
      name: RedisServer.MASTER,
      sentinelRootNodes: [{ host: '127.0.0.1', port: this.sentinel.port }],
    });
  }

  /** Resolves when the replica has what the primary has. */
  async untilReplicated(): Promise<void> {
    await until('a replica that is up to date', async () => {
      const [, sent] = (await this.primary.command('ROLE')) as [string, number];
      const [, , , , received] = (await this.replica.command('ROLE')) as [
        string,
        string,
        number,
        string,
        number,
      ];
      return received >= sent;
    });
  }

  /** Resolves when the replica has taken the place of the primary. */
  async untilPromoted(): Promise<void> {
    await until(
      'a new primary',
      async () => ((await this.replica.command('ROLE')) as string[])[0] === 'master',
    );
  }

  /** Makes the former primary a replica, as the sentinel does only seconds after it has named another one. */
  async demote(): Promise<void> {
    await this.primary.command('REPLICAOF', '127.0.0.1', `${this.replica.port}`);
  }

  async stop(): Promise<void> {
    await this.sentinel.stop();
    await this.replica.stop();
    await this.replication.dispose();
    await this.primary.stop();
  }
}
