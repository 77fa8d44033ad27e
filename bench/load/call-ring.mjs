import { clientFrame } from './frame-writer.mjs';
import { payloadOf } from './payload.mjs';

const size = 1024;
/** Ids have four digits, so that all frames have one length. */
const firstId = 1000;

/** Frames of calls with different ids, made beforehand, one behind the other, used in a circle. */
export class CallRing {
  #frames;
  #frameLength;
  #scenario;

  /**
   * @param {import('./dialects/dialect.mjs').Dialect} dialect
   * @param {import('./payload.mjs').Payload} scenario
   */
  constructor(dialect, scenario) {
    const frames = Array.from({ length: size }, (_, i) => {
      return clientFrame(dialect.call(firstId + i, payloadOf(scenario, firstId + i)));
    });
    this.#scenario = scenario;
    this.#frames = Buffer.concat(frames);
    this.#frameLength = this.#frames.length / size;
    if (frames.some((frame) => frame.length !== this.#frameLength)) {
      throw new Error('the frames of a ring must have one length');
    }
  }

  /**
   * Sends the next `calls` calls in one write (two where the ring begins anew).
   *
   * @param {import('./connection.mjs').Connection} connection
   * @param {number} position
   * @param {number} calls
   * @returns {number} the next position
   */
  send(connection, position, calls) {
    const end = Math.min(position + calls, size);
    connection.write(this.#frames.subarray(position * this.#frameLength, end * this.#frameLength));
    const left = calls - (end - position);
    return left === 0 ? end % size : this.send(connection, 0, left);
  }

  /** What must come back for the first `calls` calls. @param {number} calls */
  replies(calls) {
    return Array.from({ length: calls }, (_, i) => ({
      id: firstId + i,
      text: payloadOf(this.#scenario, firstId + i),
    }));
  }
}
