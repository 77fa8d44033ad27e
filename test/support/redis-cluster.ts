import { freePort } from './free-port.mjs';
import { RedisServer } from './redis-server.js';
import { until } from './until.js';

const SLOTS = 16_384;

/** Servers that form a cluster, which tests may reshape and break. */
export class RedisCluster {
  private constructor(
    readonly primaries: readonly RedisServer[],
    readonly replicas: readonly RedisServer[],
  ) {}

  /** @param replicas belong to nobody until {@link replicate}. */
  static async start(primaries: number, replicas = 0): Promise<RedisCluster> {
    const members = await Promise.all(Array.from({ length: primaries + replicas }, startMember));
    const servers = members.map(({ server }) => server);
    const cluster = new RedisCluster(servers.slice(0, primaries), servers.slice(primaries));
    await cluster.assignSlots();
    for (const { server, busPort } of members.slice(1)) {
      await servers[0]?.command('CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPort}`);
    }
    await Promise.all(servers.map((server) => until('a cluster', () => isFormed(server, servers.length))));
    return cluster;
  }

  get servers(): readonly RedisServer[] {
    return [...this.primaries, ...this.replicas];
  }

  /** What `createCluster` takes. */
  get rootNodes(): { url: string }[] {
    return this.servers.map(({ url }) => ({ url }));
  }

  /** The primary that has the slot of a key, and where else it could be. */
  async ownerOf(key: string): Promise<{ slot: number; owner: RedisServer; other: RedisServer }> {
    const slot = Number(await this.primaries[0]?.command('CLUSTER', 'KEYSLOT', key));
    const index = Math.floor((slot * this.primaries.length) / SLOTS);
    const owner = this.primaries[index] as RedisServer;
    return { slot, owner, other: this.primaries[(index + 1) % this.primaries.length] as RedisServer };
  }

  /** Moves a slot, key by key as `redis-cli --cluster reshard` does. @param onHalf called when half of the keys have moved. */
  async move(
    slot: number,
    from: RedisServer,
    to: RedisServer,
    onHalf?: () => Promise<unknown>,
  ): Promise<void> {
    const [source, target] = [await idOf(from), await idOf(to)];
    await to.command('CLUSTER', 'SETSLOT', `${slot}`, 'IMPORTING', source);
    await from.command('CLUSTER', 'SETSLOT', `${slot}`, 'MIGRATING', target);
    const half = Math.ceil(Number(await from.command('CLUSTER', 'COUNTKEYSINSLOT', `${slot}`)) / 2);
    for (let moved = 0; ; moved++) {
      const [key] = (await from.command('CLUSTER', 'GETKEYSINSLOT', `${slot}`, '1')) as string[];
      if (key === undefined) {
        break;
      }
      await from.command('MIGRATE', '127.0.0.1', `${to.port}`, key, '0', '5000');
      if (moved === half) {
        await onHalf?.();
      }
    }
    for (const server of [to, from, ...this.primaries]) {
      await server.command('CLUSTER', 'SETSLOT', `${slot}`, 'NODE', target);
    }
  }

  /** Resolves when a server that was a replica serves the slots of its primary. */
  async untilPromoted(server: RedisServer): Promise<void> {
    await until('a new primary', async () => {
      const [role] = (await server.command('ROLE')) as [string];
      return role === 'master' && (await isFormed(server, this.servers.length));
    });
  }

  /** Resolves when a server works again, as a replica of the one that has taken its place. */
  async untilDemoted(server: RedisServer): Promise<void> {
    await until('the former primary as a replica', () => isFollowing(server));
  }

  /** Makes a server the replica of another one. */
  async replicate(replica: RedisServer, primary: RedisServer): Promise<void> {
    const [id, primaryId] = [await idOf(replica), await idOf(primary)];
    await replica.command('CLUSTER', 'REPLICATE', primaryId);
    await until('a replica', () => isFollowing(replica));
    for (const server of this.primaries) {
      await until('a replica that all know', async () => {
        return String(await server.command('CLUSTER', 'REPLICAS', primaryId)).includes(id);
      });
    }
  }

  /** How many clients listen to a server. */
  async subscribersOf(server: RedisServer): Promise<number> {
    const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB'));
    return list.split('\n').filter((line) => line !== '').length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private async assignSlots(): Promise<void> {
    const { length } = this.primaries;
    for (const [index, primary] of this.primaries.entries()) {
      const begin = Math.ceil((index * SLOTS) / length);
      const end = Math.ceil(((index + 1) * SLOTS) / length) - 1;
      await primary.command('CLUSTER', 'ADDSLOTSRANGE', `${begin}`, `${end}`);
    }
  }
}

async function startMember(): Promise<{ server: RedisServer; busPort: number }> {
  // The usual one lies 10,000 above the other, and may not exist.
  const busPort = await freePort();
  const server = await RedisServer.start(
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    `${busPort}`,
    '--cluster-node-timeout',
    '1000',
    '--repl-diskless-sync-delay',
    '0',
  );
  return { server, busPort };
}

/** True if the server sees a cluster of so many members that works. */
async function isFormed(server: RedisServer, size: number): Promise<boolean> {
  const info = String(await server.command('CLUSTER', 'INFO'));
  const nodes = String(await server.command('CLUSTER', 'NODES'));
  const known = nodes.split('\n').filter((line) => line !== '' && !line.includes('handshake'));
  return info.includes('cluster_state:ok') && known.length === size;
}

async function isFollowing(server: RedisServer): Promise<boolean> {
  const [role, , , state] = (await server.command('ROLE')) as string[];
  return role === 'slave' && state === 'connected';
}

async function idOf(server: RedisServer): Promise<string> {
  return String(await server.command('CLUSTER', 'MYID'));
}
