import type { RedisClientType } from 'redis';

import { toError } from '../common/errors.js';

/** What every connection to Redis can do here. */
export interface RedisConnection {
  /** Called once when the connection is lost; not after {@link close}. */
  onLost: ((error: Error) => void) | undefined;
  /** Drops the connection with everything that waits for it. */
  close(): void;
}

/**
 * A connection for commands, to one server from its beginning to its end. Nothing is kept for later: what cannot be sent
 * now fails.
 */
export interface CommandConnection extends RedisConnection {
  send(args: readonly string[]): Promise<unknown>;
}

/** A connection that gets what is published. Nothing survives its loss: subscriptions are made anew on the next one. */
export interface SubscriberConnection extends RedisConnection {
  onMessage: ((channel: string, payload: string) => void) | undefined;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
}

/** A client for one server that does not reconnect by itself. */
export type PlainClient = RedisClientType;

/**
 * What a server says that does not take our writes, or not now: it has become a replica, the slot of our keys has moved
 * or is on its way, it is loading its data. Asking again is for a new connection, which may be to another server. `ASK` is
 * not followed while a slot moves: of keys that are partly here and partly there a script would see half the truth.
 */
const ELSEWHERE = /^(?:READONLY|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN)\b/;

/** Sends commands over a client. */
export function commandConnection(client: PlainClient): CommandConnection {
  const connection: CommandConnection = withLifetime(client, (lose) => ({
    onLost: undefined,
    send: (args: readonly string[]) =>
      client.sendCommand(args).catch((error: unknown) => {
        if (error instanceof Error && ELSEWHERE.test(error.message)) {
          lose(error);
        }
        throw error;
      }),
  }));
  return connection;
}

/** Listens over a client. @param isSharded true for the channels of a cluster. */
export function subscriberConnection(client: PlainClient, isSharded: boolean): SubscriberConnection {
  const connection: SubscriberConnection = withLifetime(client, (lose) => {
    const receive = (payload: string, channel: string): void => connection.onMessage?.(channel, payload);
    // The server takes sharded subscriptions away when the slot moves to another one.
    client.on('sharded-channel-moved', () => lose(new Error('The slot of the channels has moved.')));
    return {
      onLost: undefined,
      onMessage: undefined,
      subscribe: (channels: readonly string[]) =>
        isSharded ? client.sSubscribe([...channels], receive) : client.subscribe([...channels], receive),
      unsubscribe: (channels: readonly string[]) =>
        isSharded ? client.sUnsubscribe([...channels]) : client.unsubscribe([...channels]),
    };
  });
  return connection;
}

/** Adds what all connections have. */
function withLifetime<T extends Pick<RedisConnection, 'onLost'>>(
  client: PlainClient,
  make: (lose: (error: Error) => void) => T,
): T & RedisConnection {
  let isOver = false;
  const end = (): boolean => {
    const isFirst = !isOver;
    isOver = true;
    if (isFirst && client.isOpen) {
      client.destroy();
    }
    return isFirst;
  };
  const lose = (error: Error): void => {
    if (end()) {
      connection.onLost?.(error);
    }
  };
  const connection: T & RedisConnection = Object.assign(make(lose), { close: () => void end() });
  // What is no loss of the socket, as an answer that nobody waits for, is no reason to give it up.
  client.on('error', (error: unknown) => client.isOpen || lose(toError(error)));
  client.on('end', () => lose(new Error('The connection has ended.')));
  return connection;
}
