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

  /** @param {import('./cores.mjs').Cores} cores */
  static async start(cores) {
    const folder = await mkdtemp(join(tmpdir(), 'signalr-bench-redis-'));
    const port = await freePort();
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const [program, ...rest] = cores.onServerCore(['redis-server', ...args]);
    const redis = new RedisProcess(
      spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] }),
      folder,
      port,
    );
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
    this.#client.on('error', () => {});
  }

  /** CPU time in microseconds since it began, user and system. */
  async cpu() {
    const info = await this.#client.info('cpu');
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
    const lines = createInterface({ input: this.#process.stdout });
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    try {
      await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error('redis-server did not get ready')), startTimeout);
        this.#process.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
        lines.on('line', (line) => line.includes('Ready to accept connections') && resolve(undefined));
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
