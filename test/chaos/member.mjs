import { History, sum } from './history.mjs';

/** One client of a run, and what was said to it and by it. */
export class Member {
  #messages = new History();
  /** What it called, as the server has seen it, and what it was answered. */
  #calls = new History();
  #results = new History();
  #callCount = 0;
  /** @type {import('./chaos.mjs').Client} */
  client;

  /** @param {string} name @param {{ user: string, group: string }} belonging */
  constructor(name, { user, group }) {
    this.name = name;
    this.user = user;
    this.group = group;
  }

  /** @param {(options: Omit<import('./chaos.mjs').ClientOptions, 'port'>) => import('./chaos.mjs').Client} createClient */
  async join(createClient) {
    this.client = createClient({
      user: this.user,
      onMessage: (message) => this.#messages.received(message),
      onResult: (result) => this.#results.received(result),
    });
    await this.client.start();
  }

  /** The server has sent it something. @param {import('./history.mjs').Message} message */
  sent(message) {
    this.#messages.sent(message);
  }

  /** Calls the hub with a numbered message, which is also the result. */
  call() {
    const message = { sender: this.name, number: this.#callCount++ };
    this.#calls.sent(message);
    this.#results.sent(message);
    this.client.call(message);
  }

  /** The hub was called. @param {import('./history.mjs').Message} message */
  called(message) {
    this.#calls.received(message);
  }

  /** True once as much has arrived as was sent, or more. */
  get isComplete() {
    return this.#histories.every(({ isComplete }) => isComplete);
  }

  judge() {
    return sum(this.#histories.map((history) => history.judge()));
  }

  get #histories() {
    return [this.#messages, this.#calls, this.#results];
  }
}
