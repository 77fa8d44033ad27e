import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('node-main.mjs', import.meta.url));

/** @typedef {{ kind: 'all' | 'group' | 'user' | 'client', name?: string }} Destination */

/** A node of the farm, as its parent sees it. */
export class FarmNode {
  #settings;
  #child;
  /** What becomes of sends. @type {Map<number, (accepted: boolean) => void>} */
  #pending = new Map();
  #sends = 0;
  /** How often it has been started: what it sends as another process has another sender. */
  incarnation = 0;

  /** @param {string} name @param {import('./node-main.mjs').NodeSettings} settings */
  constructor(name, settings) {
    this.name = name;
    this.#settings = settings;
  }

  get port() {
    return this.#settings.port;
  }

  get isAlive() {
    return this.#child !== undefined;
  }

  /** Resolves when it takes requests. */
  async start() {
    const child = fork(main, [JSON.stringify(this.#settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.incarnation++;
    child.on('message', ({ id, accepted }) => {
      this.#pending.get(id)?.(accepted);
      this.#pending.delete(id);
    });
    const ended = once(child, 'close').then(() => Promise.reject(new Error(`${this.name} does not start`)));
    ended.catch(() => undefined);
    await Promise.race([once(child, 'message'), ended]);
    this.#child = child;
  }

  /**
   * Sends to clients from this node.
   *
   * @param {Destination} destination @param {unknown} message
   * @returns {Promise<boolean>} true once it was accepted; false if that is not known, because the node has died or refused
   */
  send(destination, message) {
    const { promise, resolve } = deferred();
    const id = this.#sends++;
    this.#pending.set(id, resolve);
    this.#child.send({ id, ...destination, message });
    return promise;
  }

  /** The process ends without a word. */
  async kill() {
    const child = this.#child;
    this.#child = undefined;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    this.#pending.forEach((resolve) => resolve(false));
    this.#pending.clear();
  }
}

/** @returns {{ promise: Promise<boolean>, resolve: (accepted: boolean) => void }} */
function deferred() {
  let resolve = (_accepted) => {};
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
