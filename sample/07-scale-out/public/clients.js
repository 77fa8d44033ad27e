/**
 * Both families of clients behind the same methods.
 *
 * @typedef {object} ClientEvents
 * @property {(state: string) => void} state
 * @property {() => void} renewed the connection is lost for good, the next one will be another
 * @property {(number: number) => void} tick
 * @property {(node: string) => void} servedBy
 */

/** Milliseconds until a client without a connection tries again. */
const RETRY = 500;

const { $, signalR } = window;

/** jquery.signalR: it comes back under its connection, to any node, and gets what it missed. */
export class ClassicClient {
  static transports = ['webSockets', 'serverSentEvents', 'longPolling'];
  #hub = $.connection.hub;
  #options = {};
  #isWanted = false;

  /** @param {ClientEvents} events */
  constructor(events) {
    const names = Object.fromEntries(
      Object.entries($.signalR.connectionState).map(([state, number]) => [number, state]),
    );
    Object.assign($.connection.ticks.client, { tick: events.tick, servedBy: events.servedBy });
    this.#hub.stateChanged(({ newState }) => events.state(names[newState]));
    this.#hub.disconnected(() => {
      if (this.#isWanted) {
        events.renewed();
        setTimeout(() => void this.#connect(this.#options), RETRY);
      }
    });
  }

  async start(transport) {
    this.#isWanted = true;
    this.#options = { transport };
    await this.#connect(this.#options);
  }

  async #connect(options) {
    while (this.#isWanted && this.#options === options) {
      try {
        await this.#hub.start(options);
        return;
      } catch {
        // The node has gone while it was connecting, or another transport was chosen.
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  async stop() {
    this.#isWanted = false;
    this.#hub.stop();
  }
}

/** @microsoft/signalr: each time it comes back it has a new connection, and is told. */
export class CoreClient {
  static transports = ['WebSockets', 'ServerSentEvents', 'LongPolling'];
  #events;
  #connection;

  /** @param {ClientEvents} events */
  constructor(events) {
    this.#events = events;
  }

  async start(transport) {
    const events = this.#events;
    const connection = new signalR.HubConnectionBuilder()
      .withUrl('/signalr/ticks', { transport: signalR.HttpTransportType[transport] })
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => RETRY })
      .build();
    connection.on('tick', events.tick);
    connection.on('servedBy', events.servedBy);
    connection.onreconnecting(() => {
      events.renewed();
      events.state('reconnecting');
    });
    connection.onreconnected(() => events.state('connected'));
    connection.onclose(() => events.state('disconnected'));
    this.#connection = connection;
    events.state('connecting');
    while (this.#connection === connection) {
      try {
        await connection.start();
        events.state('connected');
        return;
      } catch {
        // The node has gone while it was connecting, or another transport was chosen.
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  async stop() {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.stop();
  }
}
