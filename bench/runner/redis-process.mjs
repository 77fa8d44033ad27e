import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';

const startTimeout = 10_000;

/** What `redis-server --version` says, for example `7.0.15`; `undefined` where there is none. */
export function redisVersion() {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /v=([\d.]+)/.exec(stdout)?.[1] : undefined;
}

/** A Redis of its own on a free port of 127.0.0.1, which keeps nothing on disk. */
export class RedisProcess {
  #process;
  #folder;
  #client;
  #lines;
  /** What it has said last, for who asks why it is gone. */
  #log = '';

  /** @param {import('./cores.mjs').Cores} cores */
  static async start(cores) {
    const folder = await mkdtemp(join(tmpdir(), 'signalr-bench-redis-'));
    const port = await freePort();
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const [program, ...rest] = cores.onServerCore(['redis-server', ...args]);
    const process = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    const redis = new RedisProcess(process, folder, port);
    try {
      await redis.#whenReady();
      await redis.#client.connect();
    } catch (error) {
      await redis.stop();
      throw error;
    }
    return redis;
  }

  /** @private @param {import('node:child_process').ChildProcess} process @param {string} folder @param {number} port */
  constructor(process, folder, port) {
    this.#process = process;
    this.#folder = folder;
    this.url = `redis://127.0.0.1:${port}`;
    this.#client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
    this.#client.on('error', (error) => (this.#log += `${error.message}\n`));
    this.#lines = createInterface({ input: /** @type {import('node:stream').Readable} */ (process.stdout) });
    this.#lines.on('line', (line) => (this.#log = `${this.#log}${line}\n`.slice(-2_000)));
    process.on('exit', (code, signal) => (this.#log += `redis-server ended with ${code ?? signal}\n`));
  }

  /** CPU time in microseconds since it began, user and system. */
  async cpu() {
    const info = await this.#client.info('cpu').catch((error) => {
      throw new Error(`Redis does not answer: ${error.message}\n${this.#log}`);
    });
    const seconds = (/** @type {string} */ name) => Number(new RegExp(`^${name}:(.+)$`, 'm').exec(info)?.[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000_000;
  }

  async stop() {
    if (this.#client.isOpen) {
      this.#client.destroy();
    }
    if (this.#process.exitCode === null && this.#process.kill()) {
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #whenReady() {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      await new Promise((resolve, reject) => {
        const fail = () => reject(new Error(`redis-server did not get ready\n${this.#log}`));
        timer = setTimeout(fail, startTimeout);
        this.#process.once('exit', fail);
        this.#lines.on('line', (line) => line.includes('Ready to accept connections') && resolve(undefined));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
