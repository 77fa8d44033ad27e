import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How often it is asked whether a server that was started answers, and for how long, in milliseconds. */
const PROBE_INTERVAL = 20;
const START_TIMEOUT = 10_000;

/** A Redis server that can be killed and started again on the same port, with what it knew or without. */
export class RedisProcess {
  #folder;
  #child;

  /** @param {number} port @param {string} folder */
  constructor(port, folder) {
    this.port = port;
    this.#folder = folder;
  }

  /** Starts one. @param {number} port a free one */
  static async launch(port) {
    const redis = new RedisProcess(port, await mkdtemp(join(tmpdir(), 'chaos-redis-')));
    await redis.start();
    return redis;
  }

  /** What has been accepted is on the disk before it is answered, so that a killed server comes back with it. */
  async start() {
    const options = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--loglevel', 'warning'];
    this.#child = spawn(
      'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, ...options],
      { stdio: 'ignore' },
    );
    const deadline = performance.now() + START_TIMEOUT;
    while (!(await answers(this.port))) {
      if (performance.now() > deadline) {
        throw new Error('redis-server does not start');
      }
      await delay(PROBE_INTERVAL);
    }
  }

  async kill() {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  /** What the next one finds is nothing. */
  async forget() {
    await rm(join(this.#folder, 'appendonlydir'), { recursive: true, force: true });
  }

  async close() {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** @param {number} port @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('data', (data) => {
      socket.destroy();
      resolve(String(data).startsWith('+PONG'));
    });
    socket.on('error', () => resolve(false));
  });
}
