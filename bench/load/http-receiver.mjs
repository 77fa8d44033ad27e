import { connect } from 'node:net';

/**
 * Receives over HTTP: an event stream, or polls that follow one another on the same line. What it does per message is next to
 * nothing, like the WebSocket client of this folder.
 */
export class HttpReceiver {
  #socket;
  #port;
  /** The path of a request. Takes what the last response said, where the next one has to bring it back. */
  #path;
  #isPolling;
  #received = '';
  #onResponse;

  /**
   * @param {object} line
   * @param {number} line.port
   * @param {(last: string) => string} line.path of the stream, or of the next poll
   * @param {boolean} line.isPolling
   * @param {(text: string) => void} line.onResponse a response is complete, or a part of a stream has come
   * @param {(error: Error) => void} line.onFailure
   */
  constructor({ port, path, isPolling, onResponse, onFailure }) {
    this.#port = port;
    this.#path = path;
    this.#isPolling = isPolling;
    this.#onResponse = onResponse;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (/** @type {string} */ data) => this.#receive(data));
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error('the server dropped a line')));
    this.#request('');
  }

  destroy() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  /** @param {string} last */
  #request(last) {
    const accept = this.#isPolling ? '*/*' : 'text/event-stream';
    this.#socket.write(
      `GET ${this.#path(last)} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nAccept: ${accept}\r\n\r\n`,
    );
  }

  /** @param {string} data */
  #receive(data) {
    if (!this.#isPolling) {
      this.#onResponse(data);
      return;
    }
    this.#received += data;
    if (isComplete(this.#received)) {
      const response = this.#received;
      this.#received = '';
      this.#onResponse(response);
      this.#request(response);
    }
  }
}

/** @param {string} response with a length, or in chunks */
function isComplete(response) {
  const end = response.indexOf('\r\n\r\n');
  if (end < 0) {
    return false;
  }
  const length = /^content-length: *(\d+)/im.exec(response.slice(0, end))?.[1];
  return length === undefined
    ? response.endsWith('\r\n0\r\n\r\n') || /^HTTP\/1.1 204/.test(response)
    : response.length >= end + 4 + Number(length);
}
