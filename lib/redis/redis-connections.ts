import type { RedisClientType } from 'redis';

import { SignalRError, toError } from '../common/errors.js';

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

/** A connection was given up because its server is not the one that takes our writes. */
export class WrongServerError extends Error {
  override readonly name = 'WrongServerError';
}

/** Sends commands over a client. */
export function commandConnection(client: PlainClient): CommandConnection {
  return withLifetime<CommandConnection>(client, (lose) => ({
    onLost: undefined,
    send: (args) =>
      client.sendCommand(args).catch((error: unknown) => {
        if (error instanceof Error && ELSEWHERE.test(error.message)) {
          lose(new WrongServerError(error.message, { cause: error }));
        }
        // What fails with its connection fails like what is asked without one.
        throw client.isOpen ? error : SignalRError.because(error, 'SIGNALR_BACKPLANE_DOWN', 'redis');
      }),
  }));
}

/** Listens over a client. @param isSharded true for the channels of a cluster. */
export function subscriberConnection(client: PlainClient, isSharded: boolean): SubscriberConnection {
  return withLifetime<SubscriberConnection>(client, (lose, connection) => {
    const receive = (payload: string, channel: string): void => connection().onMessage?.(channel, payload);
    // The server takes sharded subscriptions away when the slot moves to another one.
    client.on('sharded-channel-moved', () =>
      lose(new WrongServerError('The slot of the channels has moved.')),
    );
    return {
      onLost: undefined,
      onMessage: undefined,
      subscribe: (channels) =>
        isSharded ? client.sSubscribe([...channels], receive) : client.subscribe([...channels], receive),
      unsubscribe: (channels) =>
        isSharded ? client.sUnsubscribe([...channels]) : client.unsubscribe([...channels]),
    };
  });
}

/** Adds what all connections have. @param make is given what gives the connection up, and what returns it. */
function withLifetime<C extends RedisConnection>(
  client: PlainClient,
  make: (lose: (error: Error) => void, connection: () => C) => Omit<C, 'close'>,
): C {
  let isOver = false;
  const end = (): void => {
    isOver = true;
    if (client.isOpen) {
      client.destroy();
    }
  };
  const lose = (error: Error): void => {
    if (!isOver) {
      end();
      connection.onLost?.(error);
    }
  };
  const connection = Object.assign(
    make(lose, () => connection),
    { close: end },
  ) as C;
  // What is no loss of the socket, as an answer that nobody waits for, is no reason to give it up.
  client.on('error', (error: unknown) => client.isOpen || lose(toError(error)));
  client.on('end', () => lose(new Error('The connection has ended.')));
  return connection;
}
