import type { ConnectionContext } from './connection-context.js';

/**
 * Base class of connection handlers: what ASP.NET Core has as `ConnectionHandler`, beneath hubs. Clients negotiate and use
 * the transports of hubs, and what travels over them is up to the application. One object serves all clients, so what
 * belongs to one of them is kept in the `items` of its connection.
 *
 * The methods of one connection run one after another: what a client sends meanwhile waits, up to
 * `applicationMaxBufferSize`.
 *
 * @publicApi
 */
export abstract class SignalRConnectionHandler {
  /** A client has connected. A throw is logged and closes the connection, and nothing else is called for it. Default: nothing. */
  onConnected(_connection: ConnectionContext): unknown {
    return undefined;
  }

  /**
   * A client has sent something; in the order in which it was sent. A throw is logged and closes the connection.
   *
   * What was sent at once may arrive in pieces, or together with what was sent next: connections carry a stream, and where
   * one message ends is for the application to say.
   *
   * @param data a text, which is never cut within a character, or with `transferFormat: 'Binary'` a Buffer, which is the
   * handler's to keep.
   */
  abstract onReceived(connection: ConnectionContext, data: string | Buffer): unknown;

  /**
   * A connection has ended, whoever ended it. Called once if `onConnected` has succeeded. A throw is logged. Default: nothing.
   *
   * With the option `raiseDisconnectedOfLostNodes` also called for connections of a server that died, where `onConnected` has run:
   * of those only id and user are known, and their `items` are empty.
   *
   * @param _error what went wrong: what `onReceived` threw, or what the client did wrong. Undefined if nothing did, and for
   * clients that just vanish.
   */
  onDisconnected(_connection: ConnectionContext, _error?: Error): unknown {
    return undefined;
  }
}
