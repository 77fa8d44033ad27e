import { createClient, type RedisClusterType, type RedisSentinelType } from 'redis';

import {
  type CommandConnection,
  commandConnection,
  type PlainClient,
  type SubscriberConnection,
  subscriberConnection,
} from './redis-connections.js';

/**
 * A client of the `redis` package, of any of its kinds: `createClient`, `createCluster` or `createSentinel`, with whatever
 * modules and type mapping. The backplane only makes duplicates of it, so it need not be connected.
 *
 * @publicApi
 */
// The types of clients with different type parameters do not take each other's place, and none of them matters here.
export interface AnyRedisClient {
  duplicate(...overrides: never[]): unknown;
  sendCommand(...command: never[]): Promise<unknown>;
}

/**
 * Opens connections to the one server that has the keys of the application, whatever Redis consists of. Clients of clusters
 * and sentinels change servers and send again in silence; here each change has to be noticed, because another server may
 * know less. So they are only asked where the server is, and asked anew for each connection.
 */
export class RedisSource {
  constructor(
    /** The command that publishes on channels of subscribers. */
    readonly publishCommand: 'PUBLISH' | 'SPUBLISH',
    /** @param key any key of the application. */
    private readonly connect: (key: string) => Promise<PlainClient>,
  ) {}

  async openCommands(key: string): Promise<CommandConnection> {
    return commandConnection(await this.connect(key));
  }

  async openSubscriber(key: string): Promise<SubscriberConnection> {
    return subscriberConnection(await this.connect(key), this.publishCommand === 'SPUBLISH');
  }
}

/** Finds out what kind of client it is, and how connections are made of it. */
export function redisSource(url: string | undefined, given: AnyRedisClient | undefined): RedisSource {
  if (given === undefined) {
    const client = createClient(url === undefined ? {} : { url }) as PlainClient;
    return new RedisSource('PUBLISH', () => connected(client));
  }
  if ('nodeClient' in given) {
    // All keys of an application are on one node. What it publishes on sharded channels does not bother the others.
    return new RedisSource('SPUBLISH', (key) => ownerOf(key, given as unknown as RedisClusterType));
  }
  if ('getMasterNode' in given || 'getSentinelNode' in given) {
    return new RedisSource('PUBLISH', () => primaryOf(given as unknown as RedisSentinelType));
  }
  return new RedisSource('PUBLISH', () => connected(given as unknown as PlainClient));
}

/** Connects to the node of a cluster that has a key. */
async function ownerOf(key: string, given: RedisClusterType): Promise<PlainClient> {
  const { defaults } = given._options;
  // A node that is no more must fail the attempt: the next one asks anew, and may be told of another owner.
  const socket = { ...defaults?.socket, reconnectStrategy: false } as const;
  const cluster = given.duplicate({ minimizeConnections: true, defaults: { ...defaults, socket } });
  cluster.on('error', ignore);
  await cluster.connect();
  try {
    const slot = Number(await cluster.sendCommand(key, false, ['CLUSTER', 'KEYSLOT', key]));
    const owner = cluster.slots[slot]?.master;
    if (owner === undefined) {
      throw new Error(`no node of the cluster has slot ${slot}`);
    }
    return await connected((await cluster.nodeClient(owner)) as unknown as PlainClient);
  } finally {
    cluster.destroy();
  }
}

/** Connects to the server that sentinels name. */
async function primaryOf(given: RedisSentinelType): Promise<PlainClient> {
  // Attempts are repeated by the line, which asks sentinels again: they may have another answer by then.
  const sentinel = given.duplicate({ maxCommandRediscovers: 1, replicaPoolSize: 0, reserveClient: false });
  sentinel.on('error', ignore);
  try {
    await sentinel.connect();
    return await sentinel._execute(false, (primary) => connected(primary as unknown as PlainClient));
  } finally {
    await sentinel.destroy();
  }
}

/** A connection like that of a client, which fails instead of waiting and does not come back by itself. */
async function connected(like: PlainClient): Promise<PlainClient> {
  const { socket } = like.options;
  const client = like.duplicate({
    disableOfflineQueue: true,
    socket: { ...socket, reconnectStrategy: false },
  }) as PlainClient;
  client.on('error', ignore);
  await client.connect();
  return client;
}

function ignore(): void {}
