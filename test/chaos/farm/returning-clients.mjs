import { setTimeout as delay } from 'node:timers/promises';
import { HttpTransportType, HubConnectionBuilder, HubConnectionState, LogLevel } from '@microsoft/signalr';
import { ClassicClient } from '../classic-client.mjs';

/**
 * @typedef {object} ClientSettings
 * @property {number} port
 * @property {string} transport
 * @property {Readonly<Record<string, string>>} parameters of its requests
 * @property {import('./session-history.mjs').SessionHistory} history
 */

/** Milliseconds before another try. */
const RETRY_AFTER = 100;

/** A connection counts as lost after so many milliseconds without a word: twice the keep-alive of the nodes. */
const SERVER_TIMEOUT = 4_000;

/** A classic client that resumes its connection wherever it comes out, and begins anew when it is told to. */
export class ReturningClassicClient {
  #settings;
  #client;
  #isStopped = false;

  /** @param {ClientSettings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  get connectionId() {
    return this.#client.connectionId;
  }

  async start() {
    const { history, ...settings } = this.#settings;
    while (!this.#isStopped) {
      let isStarted = false;
      const client = new ClassicClient({
        ...settings,
        transport: /** @type {import('../classic-client.mjs').Transport} */ (settings.transport),
        onMessage: (message) => history.received(message),
        onDismissed: () => {
          history.ended();
          if (isStarted) {
            void this.start();
          }
        },
      });
      this.#client = client;
      try {
        history.began();
        await client.start();
        isStarted = true;
        history.ready();
        return;
      } catch {
        history.ended();
        void client.stop();
        await delay(RETRY_AFTER);
      }
    }
  }

  stop() {
    this.#isStopped = true;
    return this.#client.stop();
  }
}

/** The client of ASP.NET Core SignalR. Each connection is a new one, and that is what it is told. */
export class ReturningCoreClient {
  #settings;
  #connection;
  #isStopped = false;

  /** @param {ClientSettings} settings `transport` is a name of `HttpTransportType` */
  constructor(settings) {
    this.#settings = settings;
    const { port, transport, parameters, history } = settings;
    this.#connection = new HubConnectionBuilder()
      .withUrl(`http://127.0.0.1:${port}/signalr/chaos?${new URLSearchParams(parameters)}`, {
        transport: HttpTransportType[transport],
      })
      .withServerTimeout(SERVER_TIMEOUT)
      .configureLogging(LogLevel.None)
      .build();
    this.#connection.on('take', (message) => history.received(message));
    this.#connection.onclose(() => {
      history.ended();
      void this.start();
    });
  }

  get connectionId() {
    return this.#connection.connectionId ?? '';
  }

  async start() {
    const { history } = this.#settings;
    while (!this.#isStopped) {
      history.began();
      try {
        await this.#connection.start();
        // Calls run after onConnected, which joins the group.
        await this.#connection.invoke('ready');
        history.ready();
        return;
      } catch {
        history.ended();
        await delay(RETRY_AFTER);
        if (this.#connection.state !== HubConnectionState.Disconnected) {
          // It has connected and lost its line: it will tell when it has noticed.
          return;
        }
      }
    }
  }

  async stop() {
    this.#isStopped = true;
    await this.#connection.stop();
  }
}
