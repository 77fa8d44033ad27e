import { createClient, type RedisClientType, type RedisClusterType, type RedisSentinelType } from 'redis';

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

/** What every connection to Redis can do here. */
export interface RedisConnection {
  /** Called once when the connection is lost; not after {@link close}. */
  onLost: ((error: Error) => void) | undefined;
  /** Drops the connection with everything that waits for it. */
  close(): void;
}

/** A connection for commands. Nothing is kept for later: what cannot be sent now fails. */
export interface CommandConnection extends RedisConnection {
  /** @param key any key of the command: it says which node of a cluster is asked. */
  send(key: string, args: readonly string[]): Promise<unknown>;
}

/** A connection that gets what is published. Nothing survives its loss: subscriptions are made anew on the next one. */
export interface SubscriberConnection extends RedisConnection {
  onMessage: ((channel: string, payload: string) => void) | undefined;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
}

/** Opens connections to one Redis, whatever it consists of. */
export interface RedisSource {
  /** The command that publishes on channels of {@link SubscriberConnection}. */
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  openCommands(): Promise<CommandConnection>;
  /** @param key any key of the application: in a cluster, its node is the one that is listened to. */
  openSubscriber(key: string): Promise<SubscriberConnection>;
}

type PlainClient = RedisClientType;
type Cluster = RedisClusterType;
type Sentinel = RedisSentinelType;

/** Finds out what kind of client it is, and how connections are made of it. */
export function redisSource(url: string | undefined, given: AnyRedisClient | undefined): RedisSource {
  if (given === undefined) {
    return new PlainSource(createClient(url === undefined ? {} : { url }) as PlainClient);
  }
  if ('nodeClient' in given) {
    return new ClusterSource(given as unknown as Cluster);
  }
  return 'getMasterNode' in given
    ? new SentinelSource(given as unknown as Sentinel)
    : new PlainSource(given as unknown as PlainClient);
}

class PlainSource implements RedisSource {
  readonly publishCommand = 'PUBLISH';

  constructor(private readonly client: PlainClient) {}

  async openCommands(): Promise<CommandConnection> {
    const client = await connected(this.client);
    return commands(client, (_, args) => client.sendCommand(args));
  }

  async openSubscriber(): Promise<SubscriberConnection> {
    return subscriber(await connected(this.client));
  }
}

/** All keys of an application are on one node, and so is what it publishes: sharded channels do not bother the others. */
class ClusterSource implements RedisSource {
  readonly publishCommand = 'SPUBLISH';

  constructor(private readonly cluster: Cluster) {}

  async openCommands(): Promise<CommandConnection> {
    const { defaults } = this.cluster._options;
    const cluster = this.cluster.duplicate({ defaults: { ...defaults, disableOfflineQueue: true } });
    const connection = commands(cluster, (key, args) => cluster.sendCommand(key, false, [...args]));
    await cluster.connect();
    return connection;
  }

  async openSubscriber(key: string): Promise<SubscriberConnection> {
    // A fresh one knows the cluster as it is now: the last subscriber may have been lost because its node is no more.
    const cluster = this.cluster.duplicate({ minimizeConnections: true });
    cluster.on('error', ignore);
    await cluster.connect();
    try {
      const slot = Number(await cluster.sendCommand(key, false, ['CLUSTER', 'KEYSLOT', key]));
      const node = await cluster.nodeClient((cluster.slots[slot] as (typeof cluster.slots)[number]).master);
      return subscriber(await connected(node as unknown as PlainClient), true);
    } finally {
      cluster.destroy();
    }
  }
}

class SentinelSource implements RedisSource {
  readonly publishCommand = 'PUBLISH';

  constructor(private readonly sentinel: Sentinel) {}

  async openCommands(): Promise<CommandConnection> {
    const sentinel = this.sentinel.duplicate();
    const connection = commands(sentinel, (_, args) => sentinel.sendCommand(false, [...args]));
    await sentinel.connect();
    return connection;
  }

  async openSubscriber(): Promise<SubscriberConnection> {
    const sentinel = this.sentinel.duplicate();
    sentinel.on('error', ignore);
    await sentinel.connect();
    try {
      return subscriber(
        await sentinel._execute(false, (master) => connected(master as unknown as PlainClient)),
      );
    } finally {
      await sentinel.destroy();
    }
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

interface ClosableClient {
  on(event: 'error' | 'end', listener: (error: Error) => void): unknown;
  destroy(): void | Promise<void>;
}

function commands(client: ClosableClient, send: CommandConnection['send']): CommandConnection {
  return withLifetime(client, { onLost: undefined, send });
}

function subscriber(client: PlainClient, sharded = false): SubscriberConnection {
  const receive = (payload: string, channel: string): void => connection.onMessage?.(channel, payload);
  const connection: SubscriberConnection = withLifetime(client, {
    onLost: undefined,
    onMessage: undefined,
    subscribe: (channels) =>
      sharded ? client.sSubscribe([...channels], receive) : client.subscribe([...channels], receive),
    unsubscribe: (channels) =>
      sharded ? client.sUnsubscribe([...channels]) : client.unsubscribe([...channels]),
  } satisfies Omit<SubscriberConnection, 'close'>);
  // The server takes sharded subscriptions away when the slot moves to another node.
  client.on('sharded-channel-moved', () =>
    connection.onLost?.(new Error('The slot of the channels has moved.')),
  );
  return connection;
}

/** Adds what all connections have. Clients that reconnect by themselves, as those of clusters do, are never lost. */
function withLifetime<T extends { onLost: RedisConnection['onLost'] }>(
  client: ClosableClient,
  own: T,
): T & Pick<RedisConnection, 'close'> {
  let isOver = false;
  const lost = (error: Error): void => {
    if (!isOver && !isAlive(client)) {
      isOver = true;
      connection.onLost?.(error);
    }
  };
  const connection = Object.assign(own, {
    close: () => {
      isOver = true;
      void Promise.resolve(client.destroy()).catch(ignore);
    },
  });
  client.on('error', lost);
  client.on('end', () => lost(new Error('The connection has ended.')));
  return connection;
}

/** A plain client without a socket has none any more; other kinds have several, and look after them. */
function isAlive(client: ClosableClient): boolean {
  return (client as unknown as { isOpen: boolean }).isOpen;
}

function ignore(): void {}
