/**
 * Makes a class of WebSockets that try again until they are open, for clients that try once. It has what the JavaScript
 * client uses, for text. It knows nothing of this file but its arguments, so that pages can be given its source.
 *
 * @param {any} WebSocket that of the browser or of Node.
 * @param {{ retryAfter: number, retryFor: number, onOpen?: () => void }} options milliseconds between two tries and in all.
 * @returns {any}
 */
export function patient(WebSocket, { retryAfter, retryFor, onOpen = () => {} }) {
  return class PatientWebSocket {
    static OPEN = WebSocket.OPEN;
    onopen;
    onmessage;
    onerror;
    onclose;
    #parameters;
    #socket;
    #isClosed = false;
    #tryUntil = performance.now() + retryFor;

    constructor(...parameters) {
      this.#parameters = parameters;
      this.#open();
    }

    get readyState() {
      return this.#socket.readyState;
    }

    send(text) {
      this.#socket.send(text);
    }

    close() {
      this.#isClosed = true;
      this.#socket.close();
    }

    #open() {
      const socket = new WebSocket(...this.#parameters);
      let wasOpen = false;
      this.#socket = socket;
      socket.onopen = (event) => {
        wasOpen = true;
        onOpen();
        this.onopen?.(event);
      };
      socket.onmessage = (event) => this.onmessage?.(event);
      socket.onerror = (event) => wasOpen && this.onerror?.(event);
      socket.onclose = (event) => {
        if (wasOpen || this.#isClosed || performance.now() > this.#tryUntil) {
          this.onclose?.(event);
        } else {
          setTimeout(() => this.#open(), retryAfter);
        }
      };
    }
  };
}
