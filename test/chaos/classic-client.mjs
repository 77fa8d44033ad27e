import { setTimeout as delay } from 'node:timers/promises';
import { deferred, keepLine, read, responseLine, RETRY_AFTER, socketLine } from './line.mjs';

/** @typedef {'webSockets' | 'serverSentEvents' | 'longPolling' | 'foreverFrame'} Transport */

/**
 * A classic client that holds on: whenever its line goes, or is silent for too long, it comes back with the last cursor
 * and groups token that it has. A response counts as a whole or not at all (signalr-2 §9).
 */
export class ClassicClient {
  #base;
  #hub;
  #transport;
  #parameters;
  #onMessage;
  #onDismissed;
  #query = new URLSearchParams();
  #cursor;
  #groupsToken;
  #initialized = deferred();
  #stopped = false;
  /** Ends the present line. */
  #abort = () => {};
  #running = Promise.resolve();
  connectionId = '';
  /** How often it has come back. */
  reconnects = 0;

  /**
   * @param {{
   *   port: number, hub?: string, transport: Transport, parameters: Readonly<Record<string, string>>,
   *   onMessage: (value: unknown) => void, onDismissed?: () => void,
   * }} options `hub` defaults to `chaos`; `parameters` are those of its requests; `onDismissed` is called when the server has told it to begin anew
   */
  constructor({ port, hub = 'chaos', transport, parameters, onMessage, onDismissed = () => {} }) {
    this.#base = `http://127.0.0.1:${port}/signalr`;
    this.#hub = hub;
    this.#transport = transport;
    this.#parameters = parameters;
    this.#onMessage = onMessage;
    this.#onDismissed = onDismissed;
  }

  /** Negotiates, connects and starts; the line has to hold until then. */
  async start() {
    const common = new URLSearchParams({
      transport: this.#transport,
      clientProtocol: '2.1',
      connectionData: JSON.stringify([{ name: this.#hub.toLowerCase() }]),
      ...this.#parameters,
    });
    const negotiation = JSON.parse(await read(`${this.#base}/negotiate?${common}`));
    this.connectionId = negotiation.ConnectionId;
    common.set('connectionToken', negotiation.ConnectionToken);
    this.#query = common;
    this.#running = this.#run();
    await this.#initialized.promise;
    await read(`${this.#base}/start?${common}`);
  }

  async stop() {
    this.#stopped = true;
    this.#abort();
    await this.#running;
    await read(`${this.#base}/abort?${this.#query}`).catch(() => {});
  }

  async #run() {
    let operation = 'connect';
    while (!this.#stopped) {
      try {
        const { ended, abort } = keepLine(this.#line(operation));
        this.#abort = abort;
        await ended;
        operation = this.#transport === 'longPolling' ? 'poll' : 'reconnect';
      } catch (error) {
        if (error.message.includes('403')) {
          this.#dismissed();
          return;
        }
        operation = this.#cursor === undefined ? 'connect' : 'reconnect';
        if (!this.#stopped) {
          this.reconnects++;
          await delay(RETRY_AFTER);
        }
      }
    }
  }

  /** @param {string} operation */
  #line(operation) {
    const query = new URLSearchParams(this.#query);
    if (operation !== 'connect') {
      query.set('messageId', this.#cursor);
      if (this.#groupsToken !== undefined) {
        query.set('groupsToken', this.#groupsToken);
      }
    }
    const url = `${this.#base}/${operation}?${query}`;
    switch (this.#transport) {
      case 'webSockets':
        return socketLine(url, { onMessage: (text) => this.#take(text) });
      case 'longPolling':
        return this.#poll(url);
      case 'serverSentEvents':
        return this.#stream(url, /data: (\{.*\})\n\n/g);
      case 'foreverFrame':
        return this.#stream(`${url}&frameId=1`, /<script>r\(c, (.*)\);<\/script>\r?\n/g);
    }
  }

  #stream(url, pattern) {
    let text = '';
    const onText = (chunk) => {
      text += chunk;
      let read = 0;
      for (const match of text.matchAll(pattern)) {
        read = match.index + match[0].length;
        this.#take(match[1]);
      }
      text = text.slice(read);
    };
    return responseLine(url, { method: 'GET', onText });
  }

  #poll(url) {
    let text = '';
    const onText = (chunk) => (text += chunk);
    const onEnd = ({ complete, statusCode }) => {
      const isWhole = complete && statusCode === 200 && text.trim() !== '';
      if (isWhole) {
        this.#take(text);
      }
      return isWhole;
    };
    return responseLine(url, { method: 'POST', onText, onEnd });
  }

  #take(text) {
    const envelope = JSON.parse(text);
    if (envelope.D === 1) {
      this.#dismissed();
    }
    if (envelope.C === undefined || this.#stopped) {
      return;
    }
    this.#cursor = envelope.C;
    this.#groupsToken = envelope.G ?? this.#groupsToken;
    for (const { A: args } of envelope.M) {
      this.#onMessage(args[0]);
    }
    if (envelope.S === 1) {
      this.#initialized.resolve();
    }
  }

  /** The connection is over, and its client has to begin anew. */
  #dismissed() {
    if (!this.#stopped) {
      this.#stopped = true;
      this.#initialized.reject(new Error('dismissed'));
      this.#onDismissed();
    }
  }
}
