/**
 * @typedef {{ sender: string, number: number }} Message a message, numbered by its sender
 * @typedef {{ expected: number, delivered: number, lost: number, duplicated: number, outOfOrder: number }} Verdict
 */

/** What was sent one way, and what has arrived. */
export class History {
  /** @type {Message[]} */
  #sent = [];
  /** @type {Message[]} */
  #received = [];

  /** @param {Message} message that is to arrive. */
  sent(message) {
    this.#sent.push(message);
  }

  /** @param {Message} message that has arrived. */
  received(message) {
    this.#received.push(message);
  }

  /** True once as much has arrived as was sent, or more. */
  get isComplete() {
    return this.#received.length >= this.#sent.length;
  }

  /** Every message has to arrive once, and those of one sender in the order in which it sent them. @returns {Verdict} */
  judge() {
    const key = ({ sender, number }) => `${sender} ${number}`;
    const sent = new Set(this.#sent.map(key));
    const seen = new Set();
    const latest = new Map();
    let duplicated = 0;
    let outOfOrder = 0;
    for (const message of this.#received) {
      if (seen.has(key(message)) || !sent.has(key(message))) {
        duplicated++;
        continue;
      }
      seen.add(key(message));
      if (message.number < (latest.get(message.sender) ?? -1)) {
        outOfOrder++;
      }
      latest.set(message.sender, Math.max(message.number, latest.get(message.sender) ?? -1));
    }
    return {
      expected: sent.size,
      delivered: seen.size,
      lost: sent.size - seen.size,
      duplicated,
      outOfOrder,
    };
  }
}

/** @param {readonly Verdict[]} verdicts @returns {Verdict} */
export function sum(verdicts) {
  const total = { expected: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0 };
  for (const verdict of verdicts) {
    for (const name of Object.keys(total)) {
      total[name] += verdict[name];
    }
  }
  return total;
}

/** @param {Verdict} verdict */
export function describeVerdict({ expected, delivered, lost, duplicated, outOfOrder }) {
  return `delivered ${delivered} of ${expected}, lost ${lost}, duplicated ${duplicated}, out of order ${outOfOrder}`;
}

/** @param {Verdict} verdict */
export function isPerfect({ expected, lost, duplicated, outOfOrder }) {
  return expected > 0 && lost + duplicated + outOfOrder === 0;
}
