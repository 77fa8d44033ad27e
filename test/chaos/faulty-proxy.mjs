import { connect, createServer } from 'node:net';
import { once } from 'node:events';

/**
 * @typedef {ReturnType<import('./random.mjs').seededRandom>} Random
 * @typedef {{ client: import('node:net').Socket, server: import('node:net').Socket, tear: boolean, torn: boolean }} Line
 */

/** Milliseconds between two faults, and how long a line stands still; now and then long enough to be given up. */
const PAUSE = { low: 30, high: 160 };
const STALL = { low: 50, high: 500 };
const LONG_STALL = 5_000;
const LONG_STALL_CHANCE = 0.02;
const REFUSAL = { low: 30, high: 200 };

/** Stands between clients and a server, and makes a bad line of it as chance wants it. */
export class FaultyProxy {
  /** How often each fault has happened. @type {Record<string, number>} */
  faults = {};
  #target;
  #random;
  #server;
  /** @type {Set<Line>} */
  #lines = new Set();
  #isRefusing = false;
  #timer;

  /**
   * @param {number} target port of the server.
   * @param {Random} random
   */
  constructor(target, random) {
    this.#target = target;
    this.#random = random;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @returns {Promise<number>} the port that clients connect to. */
  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  /** From now on lines break. @param {{ low: number, high: number }} pause between two faults. */
  startFaults(pause = PAUSE) {
    const { between } = this.#random;
    const next = () => {
      this.#doHarm();
      this.#timer = setTimeout(next, between(pause.low, pause.high));
    };
    this.#timer = setTimeout(next, between(pause.low, pause.high));
  }

  /** From now on every line is a good one; those that are broken stay broken. */
  stopFaults() {
    clearTimeout(this.#timer);
    this.#isRefusing = false;
    for (const line of this.#lines) {
      line.tear = false;
      line.client.resume();
      line.server.resume();
    }
  }

  /** Cuts every line and lets no other one through, until {@link restore}. */
  interrupt() {
    this.#isRefusing = true;
    for (const line of this.#lines) {
      cut(line);
    }
  }

  /** Every line stands still, until {@link restore}. */
  stall() {
    for (const { client, server } of this.#lines) {
      client.pause();
      server.pause();
    }
  }

  /** Ends {@link interrupt} and {@link stall}. */
  restore() {
    this.stopFaults();
  }

  close() {
    this.stopFaults();
    for (const line of this.#lines) {
      cut(line);
    }
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client) {
    if (this.#isRefusing) {
      client.destroy();
      return;
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    /** @type {Line} */
    const line = { client, server, tear: false, torn: false };
    this.#lines.add(line);
    this.#pipe(line, client, server);
    this.#pipe(line, server, client);
  }

  #pipe(line, from, to) {
    from.setNoDelay(true);
    from.on('data', (chunk) => {
      if (line.torn) {
        return;
      }
      if (line.tear) {
        // A line that breaks in the middle of what it carries, whichever way that goes.
        line.torn = true;
        to.write(chunk.subarray(0, this.#random.between(0, chunk.length - 1)), () => cut(line));
      } else if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      to.destroy();
      this.#lines.delete(line);
    });
  }

  #doHarm() {
    const { oneOf, between, next } = this.#random;
    if (this.#lines.size === 0) {
      return;
    }
    const line = oneOf([...this.#lines]);
    const fault = oneOf(['cut', 'reset', 'tear', 'stall', 'stall', 'halfClose', 'refuse']);
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
    switch (fault) {
      case 'cut':
        cut(line);
        break;
      case 'reset':
        line.client.resetAndDestroy();
        line.server.resetAndDestroy();
        break;
      case 'tear':
        line.tear = true;
        break;
      case 'stall': {
        const length = next() < LONG_STALL_CHANCE ? LONG_STALL : between(STALL.low, STALL.high);
        stall(oneOf([[line.client], [line.server], [line.client, line.server]]), length);
        break;
      }
      case 'halfClose':
        oneOf([line.client, line.server]).end();
        break;
      case 'refuse':
        this.#isRefusing = true;
        setTimeout(() => (this.#isRefusing = false), between(REFUSAL.low, REFUSAL.high));
        break;
    }
  }
}

function cut({ client, server }) {
  client.destroy();
  server.destroy();
}

/** Nothing is read from these sides for a while, so nothing gets through. */
function stall(sides, length) {
  for (const side of sides) {
    side.pause();
    setTimeout(() => side.resume(), length);
  }
}
