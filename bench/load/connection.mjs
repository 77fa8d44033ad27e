import { connect } from 'node:net';
import { FrameReader } from './frame-reader.mjs';
import { clientFrame, opcodes } from './frame-writer.mjs';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const acceptedKey = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const normalClosure = Buffer.from([0x03, 0xe8]);
/** One buffer for all connections: what it holds is consumed before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * @typedef {object} ConnectionListener
 * @property {(data: Buffer, start: number, end: number) => void} onMessage
 * @property {() => void} onChunkEnd everything that arrived in one read has been given to `onMessage`
 */

/** A WebSocket client over a plain socket, with as little work per message as possible. */
export class Connection {
  /** May be exchanged at any time. @type {ConnectionListener} */
  listener;
  #socket;
  #frames = new FrameReader();
  /** Bytes of the answer to the upgrade; `undefined` once it is complete. @type {Buffer | undefined} */
  #head = Buffer.alloc(0);
  #ending = false;
  #onUpgraded;
  #onFailure;

  /**
   * @param {object} request
   * @param {number} request.port
   * @param {string} request.path with the query
   * @param {ConnectionListener} request.listener
   * @param {() => void} request.onUpgraded
   * @param {(error: Error) => void} request.onFailure refused, dropped or closed without `close()`
   */
  constructor({ port, path, listener, onUpgraded, onFailure }) {
    this.listener = listener;
    this.#onUpgraded = onUpgraded;
    this.#onFailure = onFailure;
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length, buffer) => {
          this.#receive(buffer.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(new Error(`a connection broke: ${error.message}`)));
    this.#socket.on('close', () => this.#fail(new Error('the server dropped the connection')));
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  }

  /** @param {Uint8Array} frames complete frames, masked */
  write(frames) {
    this.#socket.write(frames);
  }

  /** Ends the connection with a close handshake. */
  async close() {
    if (this.#socket.destroyed) {
      return;
    }
    this.#ending = true;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.write(clientFrame(normalClosure, opcodes.close));
    await closed;
  }

  destroy() {
    this.#ending = true;
    this.#socket.destroy();
  }

  #receive(chunk) {
    try {
      const frames = this.#head === undefined ? chunk : this.#receiveHead(chunk);
      if (frames !== undefined) {
        this.#frames.read(frames, this);
        this.listener.onChunkEnd();
      }
    } catch (error) {
      this.#fail(error);
      this.#socket.destroy();
    }
  }

  /** @returns {Buffer | undefined} what follows the head, once the head is complete */
  #receiveHead(chunk) {
    const received = Buffer.concat([this.#head, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) {
      this.#head = received;
      return undefined;
    }
    const head = received.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(acceptedKey)) {
      throw new Error(`the upgrade was refused: ${head.split('\r\n')[0]}`);
    }
    this.#head = undefined;
    this.#onUpgraded();
    return received.subarray(end + 4);
  }

  /** Called by the frame reader. @param {Buffer} data @param {number} start @param {number} end */
  onMessage(data, start, end) {
    this.listener.onMessage(data, start, end);
  }

  /** Called by the frame reader. @param {number} opcode @param {Buffer} payload */
  onControl(opcode, payload) {
    if (opcode === opcodes.ping) {
      this.write(clientFrame(payload, opcodes.pong));
    } else if (opcode === opcodes.close) {
      const code = payload.length < 2 ? 'no code' : payload.readUInt16BE(0);
      this.#fail(new Error(`the server closed the connection: ${code} ${payload.toString('utf8', 2)}`));
    }
  }

  #fail(error) {
    if (!this.#ending) {
      this.#ending = true;
      this.#onFailure(error);
    }
  }
}
