import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import WebSocket from 'ws';
import { RETRY_AFTER } from './line.mjs';
import { patient } from './patient-socket.mjs';

/** Bytes that may wait for the server's acknowledgement before calls have to wait. */
const BUFFER_SIZE = 100_000_000;

/** How long, in milliseconds, a connection is looked for before it counts as lost. */
const RETRY_FOR = 15_000;

/**
 * The JavaScript client itself with stateful reconnect. It tries once to replace a lost socket, so it gets sockets that try
 * again until they are open.
 */
export class JavaScriptClient {
  #connection;
  #onResult;
  #sockets = 0;
  connectionId = '';

  /** @param {ConstructorParameters<typeof import('./core-client.mjs').CoreClient>[0]} options */
  constructor({ port, user, onMessage, onResult }) {
    this.#onResult = onResult;
    this.#connection = new HubConnectionBuilder()
      .withUrl(`http://127.0.0.1:${port}/signalr/chaos?user=${user}`, {
        transport: HttpTransportType.WebSockets,
        WebSocket: patient(WebSocket, {
          retryAfter: RETRY_AFTER,
          retryFor: RETRY_FOR,
          onOpen: () => this.#sockets++,
        }),
      })
      .withStatefulReconnect({ bufferSize: BUFFER_SIZE })
      .configureLogging(LogLevel.None)
      .build();
    this.#connection.on('take', onMessage);
  }

  /** How often it has come back. */
  get reconnects() {
    return this.#sockets - 1;
  }

  async start() {
    await this.#connection.start();
    this.connectionId = this.#connection.connectionId;
  }

  /** Calls the hub; the result goes to `onResult`, whenever it comes. @param {unknown} argument */
  call(argument) {
    // A call that fails has no result: the checker finds out.
    this.#connection.invoke('count', argument).then(this.#onResult, () => {});
  }

  stop() {
    return this.#connection.stop();
  }
}
