/**
 * @typedef {{ sender: string, number: number }} Message a message, numbered by its sender
 * @typedef {{ message: Message, at: number, isCertain: boolean }} Sent
 * @typedef {{ readyAt: number, until: number, received: Message[], lastAt: number }} Session
 * @typedef {{
 *   expected: number, delivered: number, lost: number, duplicated: number, outOfOrder: number, signalled: number,
 * }} Verdict
 */

/** What is under way when a line breaks has been sent some time before, in milliseconds. */
const UNDER_WAY = 8_000;

const keyOf = ({ sender, number }) => `${sender} ${number}`;

/**
 * What was sent to one client, and what it got in each of its sessions. A session ends when the client is told that it has to
 * begin anew: what it misses then is signalled, not lost.
 */
export class SessionHistory {
  /** @type {Map<string, Sent>} */
  #sent = new Map();
  /** @type {Session[]} */
  #sessions = [];

  /** @param {string} name of the client. @param {() => number} now milliseconds */
  constructor(name, now = () => performance.now()) {
    this.name = name;
    this.now = now;
  }

  /** How often the client was told that it has to begin anew. */
  get signals() {
    return this.#sessions.filter(({ until }) => until < Infinity).length;
  }

  /** A message is on its way to this client. @param {Message} message @returns {Sent} */
  sent(message) {
    const sent = { message, at: this.now(), isCertain: true };
    this.#sent.set(keyOf(message), sent);
    return sent;
  }

  /** The client connects as a new connection: from now on messages may reach it. */
  began() {
    this.#sessions.push({ readyAt: Infinity, until: Infinity, received: [], lastAt: this.now() });
  }

  /** It is connected and in its group: from now on everything has to reach it. */
  ready() {
    const session = this.#sessions.at(-1);
    if (session !== undefined && session.until === Infinity) {
      session.readyAt = this.now();
    }
  }

  /** It was told that its connection has ended. */
  ended() {
    const session = this.#sessions.at(-1);
    if (session?.until === Infinity) {
      session.until = this.now();
    }
  }

  /** @param {Message} message that has arrived. */
  received(message) {
    const session = this.#sessions.at(-1);
    session.received.push(message);
    session.lastAt = this.now();
  }

  get isComplete() {
    const { lost } = this.judge();
    return lost === 0;
  }

  /** Every message has to arrive once, and those of one sender in the order in which it sent them. @returns {Verdict} */
  judge() {
    const delivered = new Set();
    let duplicated = 0;
    let outOfOrder = 0;
    for (const { received } of this.#sessions) {
      // A new connection may hear once more what was said just before it came, from a node that makes up for an outage.
      const seen = new Set();
      const latest = new Map();
      for (const message of received) {
        if (seen.has(keyOf(message)) || !this.#sent.has(keyOf(message))) {
          duplicated++;
          continue;
        }
        seen.add(keyOf(message));
        delivered.add(keyOf(message));
        if (message.number < (latest.get(message.sender) ?? -1)) {
          outOfOrder++;
        }
        latest.set(message.sender, Math.max(message.number, latest.get(message.sender) ?? -1));
      }
    }
    const expected = [...this.#sent].filter(([key, { isCertain }]) => isCertain || delivered.has(key));
    const missing = expected.filter(([key]) => !delivered.has(key)).map(([, sent]) => sent);
    const signalled = missing.filter((sent) => this.#isSignalled(sent)).length;
    return {
      expected: expected.length,
      delivered: delivered.size,
      lost: missing.length - signalled,
      duplicated,
      outOfOrder,
      signalled,
    };
  }

  /**
   * True for what was sent while the client was between two sessions, or under way when one broke: nothing that its sender said
   * later has arrived in that session.
   *
   * @param {Sent} sent
   */
  #isSignalled({ message, at }) {
    return this.#sessions.some(({ until, lastAt, received }, index) => {
      const next = this.#sessions.slice(index + 1).find(({ readyAt }) => readyAt < Infinity);
      const wasUnderWay =
        until < Infinity && at >= Math.min(lastAt, until) - UNDER_WAY && at <= (next?.readyAt ?? Infinity);
      return (
        wasUnderWay &&
        !received.some((later) => later.sender === message.sender && later.number > message.number)
      );
    });
  }
}
