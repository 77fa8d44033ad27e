import { countTexts } from './payload.mjs';

/** @typedef {import('./client.mjs').Client} Client */

/** For measured time: counts the texts that arrive and looks at nothing else. */
export class CountingListener {
  #texts = 0;
  #client;
  #onTexts;

  /** @param {Client} client @param {(texts: number) => void} onTexts how many came with one read */
  constructor(client, onTexts) {
    this.#client = client;
    this.#onTexts = onTexts;
  }

  /** @param {Buffer} data @param {number} start @param {number} end */
  onMessage(data, start, end) {
    const texts = countTexts(data, start, end);
    if (texts === 0) {
      this.#client.keepHouse(data.toString('utf8', start, end));
    }
    this.#texts += texts;
  }

  onChunkEnd() {
    const texts = this.#texts;
    if (texts > 0) {
      this.#texts = 0;
      this.#onTexts(texts);
    }
  }
}

/** For the time before: reads everything. */
export class DecodingListener {
  /** @type {import('./dialects/dialect.mjs').Received[]} */
  received = [];
  #client;
  #dialect;
  #expected;
  #onComplete;

  /**
   * @param {Client} client
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {number} expected how many texts
   * @param {() => void} onComplete
   */
  constructor(client, dialect, expected, onComplete) {
    this.#client = client;
    this.#dialect = dialect;
    this.#expected = expected;
    this.#onComplete = onComplete;
  }

  /** @param {Buffer} data @param {number} start @param {number} end */
  onMessage(data, start, end) {
    const message = data.toString('utf8', start, end);
    const received = this.#dialect.decode(this.#dialect.isBinary ? data.subarray(start, end) : message);
    const counted = countTexts(data, start, end);
    if (counted !== received.length) {
      throw new Error(`counted ${counted} texts where there are ${received.length}: ${message}`);
    }
    if (counted === 0) {
      this.#client.keepHouse(message);
    }
    this.received.push(...received);
  }

  onChunkEnd() {
    if (this.received.length >= this.#expected) {
      this.#onComplete();
    }
  }
}
