import { get, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';

/** After so many milliseconds without a byte the line counts as lost: twice the server's keep-alive. */
const LOST_AFTER = 4_000;

/** What a client waits before it tries again, so that a refusing server is not run down. */
const RETRY_AFTER = 30;

/** @typedef {'webSockets' | 'serverSentEvents' | 'longPolling' | 'foreverFrame'} Transport */

/**
 * A classic client that holds on: whenever its line goes, or is silent for too long, it comes back with the last cursor
 * and groups token that it has. A response counts as a whole or not at all (signalr-2 §9).
 */
export class ClassicClient {
  #base;
  #transport;
  #user;
  #onMessage;
  #cursor;
  #groupsToken;
  #initialized = Promise.withResolvers?.() ?? deferred();
  #stopped = false;
  /** Ends the present line. */
  #abort = () => {};
  #running = Promise.resolve();
  connectionId = '';
  /** How often it has come back. */
  reconnects = 0;

  /**
   * @param {{ port: number, transport: Transport, user: string, onMessage: (value: unknown) => void }} options
   */
  constructor({ port, transport, user, onMessage }) {
    this.#base = `http://127.0.0.1:${port}/signalr`;
    this.#transport = transport;
    this.#user = user;
    this.#onMessage = onMessage;
  }

  /** Negotiates, connects and starts; the line has to hold until then. */
  async start() {
    const common = new URLSearchParams({
      transport: this.#transport,
      clientProtocol: '2.1',
      connectionData: '[{"name":"chaos"}]',
      user: this.#user,
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

  #query = new URLSearchParams();

  async #run() {
    let operation = 'connect';
    while (!this.#stopped) {
      try {
        await this.#receive(operation);
        operation = this.#transport === 'longPolling' ? 'poll' : 'reconnect';
      } catch {
        operation = this.#cursor === undefined ? 'connect' : 'reconnect';
        this.reconnects++;
        await delay(RETRY_AFTER);
      }
    }
  }

  /** Keeps one line for as long as it lasts. Rejects when it breaks. @param {string} operation */
  #receive(operation) {
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
        return this.#receiveSocket(url.replace('http', 'ws'));
      case 'longPolling':
        return this.#receivePoll(url);
      case 'serverSentEvents':
        return this.#receiveStream(url, /data: (\{.*\})\n\n/g);
      case 'foreverFrame':
        return this.#receiveStream(`${url}&frameId=1`, /<script>r\(c, (.*)\);<\/script>\r?\n/g);
    }
  }

  #receiveSocket(url) {
    return this.#watch((alive, ended) => {
      const socket = new WebSocket(url);
      socket.on('message', (data) => {
        alive();
        this.#take(String(/** @type {Buffer} */ (data)));
      });
      socket.on('close', () => ended(new Error('the socket has closed')));
      socket.on('error', ended);
      return () => socket.terminate();
    });
  }

  #receiveStream(url, pattern) {
    return this.#watch((alive, ended) => {
      let text = '';
      const outgoing = get(url, { agent: false }, (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          alive();
          text += chunk;
          let read = 0;
          for (const match of text.matchAll(pattern)) {
            read = match.index + match[0].length;
            this.#take(match[1]);
          }
          text = text.slice(read);
        });
        response.on('error', ended);
        response.on('close', () => ended(new Error('the stream has ended')));
      });
      outgoing.on('error', ended);
      return () => outgoing.destroy();
    });
  }

  #receivePoll(url) {
    return this.#watch((alive, ended) => {
      const outgoing = request(url, { method: 'POST', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          alive();
          text += chunk;
        });
        response.on('error', ended);
        response.on('close', () => {
          if (!response.complete || response.statusCode !== 200 || text.trim() === '') {
            ended(new Error('the poll broke off'));
          } else {
            this.#take(text);
            ended();
          }
        });
      });
      outgoing.on('error', ended);
      outgoing.end();
      return () => outgoing.destroy();
    });
  }

  /**
   * @param {(alive: () => void, ended: (error?: Error) => void) => () => void} open opens a line, says when it is alive
   * and when it has ended, and gives what drops it.
   */
  #watch(open) {
    return new Promise((resolve, reject) => {
      let timer;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => ended(new Error('the line is silent')), LOST_AFTER);
      };
      const ended = (error) => {
        clearTimeout(timer);
        this.#abort = () => {};
        drop();
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      };
      const drop = open(alive, ended);
      this.#abort = () => ended(new Error('stopped'));
      alive();
    });
  }

  #take(text) {
    const envelope = JSON.parse(text);
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
}

/** The body of an answer that has to be a good one. @param {string} url @returns {Promise<string>} */
function read(url) {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
      );
    }).on('error', reject);
  });
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
