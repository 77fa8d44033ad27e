import { Connection } from './connection.mjs';
import { clientFrame } from './frame-writer.mjs';

/** @typedef {import('./dialects/dialect.mjs').Dialect} Dialect */
/** @typedef {import('./dialects/dialect.mjs').Session} Session */

/** A connection that went through the handshake of its dialect. */
export class Client {
  /** @type {Connection} */
  connection;
  #dialect;
  #port;
  #session;

  /**
   * @param {Dialect} dialect
   * @param {number} port
   * @param {(error: Error) => void} onFailure the connection ended, and not by `close()`
   * @returns {Promise<Client>}
   */
  static async open(dialect, port, onFailure) {
    const session = await dialect.begin(port);
    const client = await new Promise((resolve, reject) => {
      const opening = new Client(dialect, port, session, {
        onWelcome: () => resolve(opening),
        onFailure(error) {
          reject(error);
          onFailure(error);
        },
      });
    });
    await dialect.start?.(port, session);
    return client;
  }

  /**
   * @private
   * @param {Dialect} dialect
   * @param {number} port
   * @param {Session} session
   * @param {{ onWelcome: () => void, onFailure: (error: Error) => void }} handlers
   */
  constructor(dialect, port, session, { onWelcome, onFailure }) {
    this.#dialect = dialect;
    this.#port = port;
    this.#session = session;
    this.connection = new Connection({
      port,
      path: session.path,
      listener: {
        onMessage(data, start, end) {
          if (dialect.isWelcome?.(data.toString('utf8', start, end))) {
            onWelcome();
          }
        },
        onChunkEnd() {},
      },
      onUpgraded: () => {
        dialect.greeting.forEach((message) => this.send(message));
        if (dialect.isWelcome === undefined) {
          onWelcome();
        }
      },
      onFailure,
    });
  }

  /** @param {string | Uint8Array} message */
  send(message) {
    this.connection.write(clientFrame(message));
  }

  /** Does what the server demands of every client. @param {string} message one without any text of a scenario */
  keepHouse(message) {
    const answer = this.#dialect.respond?.(message);
    if (answer !== undefined) {
      this.send(answer);
    }
  }

  async close() {
    await this.connection.close();
    await this.#dialect.leave?.(this.#port, this.#session);
  }
}
