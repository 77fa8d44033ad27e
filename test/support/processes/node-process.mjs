import { fork } from 'node:child_process';
import { once } from 'node:events';

/** A node of a farm in a process of its own, as its parent sees it: it can be asked, killed and started again. */
export class NodeProcess {
  #main;
  #settings;
  #child;
  /** Requests without an answer. @type {Map<number, { resolve: (result: unknown) => void, reject: (error: Error) => void }>} */
  #pending = new Map();
  #asked = 0;
  /** Where it takes requests, in all its lives. */
  port;
  isAlive = false;
  /** How often it has been started. */
  incarnation = 0;
  /** Warnings and errors of all its lives. @type {string[]} */
  logged = [];

  /** @param {string} main file of its program. @param {{ port?: number }} settings for the program; default port: a free one */
  constructor(main, settings) {
    this.#main = main;
    this.#settings = settings;
    this.port = settings.port ?? 0;
  }

  /** Resolves when it takes requests. */
  async start() {
    const child = fork(this.#main, [JSON.stringify({ ...this.#settings, port: this.port })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.incarnation++;
    await new Promise((resolve, reject) => {
      child.on('message', (message) => this.#take(message, resolve));
      child.once('close', () => {
        this.#forget(child);
        reject(new Error(`${this.#main} has ended before it took requests`));
      });
    });
    this.isAlive = true;
  }

  /** Asks its program. Rejects if that fails, or if the process ends before it has answered. @param {object} request */
  ask(request) {
    return new Promise((resolve, reject) => {
      const id = this.#asked++;
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, request });
    });
  }

  /** The process ends without a word. */
  async kill() {
    const child = this.#child;
    this.isAlive = false;
    if (child !== undefined) {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }
  }

  #take({ id, result, error, port, logged }, started) {
    if (port !== undefined) {
      this.port = port;
      started();
    } else if (logged !== undefined) {
      this.logged.push(logged);
    } else {
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) {
        resolve(result);
      } else {
        reject(new Error(error));
      }
    }
  }

  #forget(child) {
    if (this.#child !== child) {
      return;
    }
    this.#child = undefined;
    this.isAlive = false;
    this.#pending.forEach(({ reject }) => reject(new Error('the process has ended')));
    this.#pending.clear();
  }
}
