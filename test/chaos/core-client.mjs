import { setTimeout as delay } from 'node:timers/promises';
import { deferred, keepLine, read, RETRY_AFTER, socketLine } from './line.mjs';

const RS = '\u001e';

/** How often, in milliseconds, the server is told what has come, at most. */
const ACK_INTERVAL = 1_000;

const MessageType = { Invocation: 1, Completion: 3, Close: 7, Ack: 8, Sequence: 9 };

/**
 * A Core client with stateful reconnect that holds on: whenever its line goes, or is silent for too long, it opens another
 * one, as often as it takes (signalr-core §2.6). A client of the original tries once.
 */
export class CoreClient {
  #base;
  #user;
  #onMessage;
  #onResult;
  #url = '';
  #greeted = deferred();
  #isGreeted = false;
  /** The socket, while it is open. @type {import('ws').WebSocket | undefined} */
  #socket;
  #stopped = false;
  /** Ends the present line. */
  #abort = () => {};
  #running = Promise.resolve();
  /** What the server has not acknowledged, oldest first. @type {string[]} */
  #unacknowledged = [];
  #lastSent = 0;
  /** The number of the next message of the server, and the highest that has come. */
  #expected = 1;
  #highestReceived = 0;
  #isAwaitingSequence = false;
  #ackTimer;
  connectionId = '';
  /** How often it has come back. */
  reconnects = 0;

  /**
   * @param {{
   *   port: number,
   *   user: string,
   *   onMessage: (value: unknown) => void,
   *   onResult: (value: unknown) => void,
   * }} options
   */
  constructor({ port, user, onMessage, onResult }) {
    this.#base = `http://127.0.0.1:${port}/signalr/chaos`;
    this.#user = user;
    this.#onMessage = onMessage;
    this.#onResult = onResult;
  }

  /** Negotiates, connects and shakes hands; the line has to hold until then. */
  async start() {
    const query = `negotiateVersion=1&useStatefulReconnect=true&user=${this.#user}`;
    const negotiation = JSON.parse(await read(`${this.#base}/negotiate?${query}`, 'POST'));
    this.connectionId = negotiation.connectionId;
    this.#url = `${this.#base}?id=${negotiation.connectionToken}&user=${this.#user}`;
    this.#running = this.#run();
    await this.#greeted.promise;
  }

  /** Calls the hub; the result goes to `onResult`, whenever it comes. @param {unknown} argument */
  call(argument) {
    this.#lastSent++;
    this.#unacknowledged.push(
      record({
        type: MessageType.Invocation,
        invocationId: `${this.#lastSent}`,
        target: 'count',
        arguments: [argument],
      }),
    );
    this.#socket?.send(this.#unacknowledged.at(-1));
  }

  async stop() {
    this.#stopped = true;
    clearTimeout(this.#ackTimer);
    this.#socket?.send(record({ type: MessageType.Close }));
    this.#abort();
    await this.#running;
  }

  async #run() {
    while (!this.#stopped) {
      const line = socketLine(this.#url, {
        onOpen: (socket) => this.#opened(socket),
        onMessage: (text) => this.#read(text),
      });
      const { ended, abort } = keepLine(line);
      this.#abort = abort;
      await ended.catch(() => {});
      this.#socket = undefined;
      if (!this.#stopped) {
        this.reconnects++;
        await delay(RETRY_AFTER);
      }
    }
  }

  /** First there is a handshake, and whoever returns begins with what may not have arrived. */
  #opened(socket) {
    this.#socket = socket;
    if (!this.#isGreeted) {
      socket.send(record({ protocol: 'json', version: 2 }));
      return;
    }
    this.#isAwaitingSequence = true;
    const sequenceId = this.#lastSent - this.#unacknowledged.length + 1;
    socket.send(record({ type: MessageType.Sequence, sequenceId }) + this.#unacknowledged.join(''));
  }

  #read(text) {
    for (const part of text.split(RS).slice(0, -1)) {
      if (!this.#stopped) {
        this.#take(JSON.parse(part));
      }
    }
  }

  #take(message) {
    if (this.#isAwaitingSequence && message.type !== MessageType.Sequence) {
      return;
    }
    switch (message.type) {
      case undefined:
        this.#isGreeted = true;
        this.#greeted.resolve();
        break;
      case MessageType.Close:
        throw new Error(`the server has ended ${this.connectionId}: ${message.error ?? 'no reason given'}`);
      case MessageType.Ack:
        this.#unacknowledged = this.#unacknowledged.slice(
          message.sequenceId - this.#lastSent + this.#unacknowledged.length,
        );
        break;
      case MessageType.Sequence:
        if (message.sequenceId > this.#expected) {
          throw new Error(`${this.connectionId} waits for ${this.#expected}, not for ${message.sequenceId}`);
        }
        this.#isAwaitingSequence = false;
        this.#expected = message.sequenceId;
        break;
      case MessageType.Invocation:
      case MessageType.Completion:
        this.#takeCounted(message);
        break;
    }
  }

  /** A message that the server repeats is counted, but not taken again. */
  #takeCounted({ type, arguments: args, result }) {
    const number = this.#expected++;
    if (number <= this.#highestReceived) {
      return;
    }
    this.#highestReceived = number;
    this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_INTERVAL);
    if (type === MessageType.Invocation) {
      this.#onMessage(args[0]);
    } else {
      this.#onResult(result);
    }
  }

  #acknowledge() {
    this.#ackTimer = undefined;
    this.#socket?.send(record({ type: MessageType.Ack, sequenceId: this.#highestReceived }));
  }
}

const record = (message) => JSON.stringify(message) + RS;
