import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const benchFolder = fileURLToPath(new URL('..', import.meta.url));
const startTimeout = 30_000;
const answerTimeout = 10_000;
const stopTimeout = 3_000;

/**
 * CPU time in microseconds since the process began, and memory in bytes.
 *
 * @typedef {{ user: number, system: number, rss: number, heapUsed: number }} Usage
 */

/** A server under test: a child process that is spoken to in lines (see `servers/control.mjs`). */
export class ServerProcess {
  /** @type {number} */
  port = 0;
  #process;
  #errors = '';
  /** Who waits for the next line. @type {{ resolve: (line: string) => void, reject: (error: Error) => void } | undefined} */
  #awaited;

  /** @param {string[]} command @param {Record<string, string>} [environment] what it has besides ours */
  static async start(command, environment = {}) {
    const server = new ServerProcess(command, environment);
    const line = await server.#line(startTimeout);
    server.port = Number(/^PORT (\d+)$/.exec(line)?.[1]);
    return server;
  }

  /** @private @param {string[]} command @param {Record<string, string>} environment */
  constructor([program, ...args], environment) {
    this.#process = spawn(program, args, {
      cwd: benchFolder,
      stdio: 'pipe',
      env: { ...process.env, ...environment },
    });
    this.#process.on('error', (error) => this.#gone(error.message));
    this.#process.on('exit', (code, signal) => this.#gone(`it ended with ${code ?? signal}`));
    this.#process.stdin.on('error', () => {});
    this.#process.stderr
      .setEncoding('utf8')
      .on('data', (text) => (this.#errors = (this.#errors + text).slice(-2000)));
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#receive(line));
  }

  /** @param {{ collect?: boolean }} [options] whether garbage is collected before @returns {Promise<Usage>} */
  async usage({ collect = false } = {}) {
    this.#command({ do: 'usage', ...(collect && { collect }) });
    return JSON.parse(await this.#line(answerTimeout));
  }

  /** @param {string[]} texts */
  broadcast(texts) {
    this.#command({ do: 'broadcast', texts });
  }

  /** @param {string[]} texts @param {number} connections whose groups are meant: the latest */
  groups(texts, connections) {
    this.#command({ do: 'groups', texts, connections });
  }

  /** @param {string[]} texts @param {string} name */
  group(texts, name) {
    this.#command({ do: 'group', texts, name });
  }

  async stop() {
    if (this.#ended) {
      return;
    }
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin.end();
    const giveUp = setTimeout(() => this.#process.kill('SIGKILL'), stopTimeout);
    await ended;
    clearTimeout(giveUp);
  }

  get #ended() {
    return (
      this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined
    );
  }

  /** @param {object} command */
  #command(command) {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** @param {string} line */
  #receive(line) {
    if (/^(PORT |\{)/.test(line) && this.#awaited !== undefined) {
      this.#awaited.resolve(line);
    } else {
      this.#errors += `${line}\n`;
    }
  }

  /** @param {number} timeout @returns {Promise<string>} */
  async #line(timeout) {
    if (this.#ended) {
      throw new Error(`the server is gone\n${this.#errors}`);
    }
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#awaited = { resolve, reject };
        timer = setTimeout(() => this.#gone(`no answer for ${timeout} ms`), timeout);
      });
    } finally {
      this.#awaited = undefined;
      clearTimeout(timer);
    }
  }

  /** @param {string} reason */
  #gone(reason) {
    this.#awaited?.reject(new Error(`the server is gone: ${reason}\n${this.#errors}`));
  }
}
