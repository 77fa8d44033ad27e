import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createClient } from 'redis';

import { freePort } from './free-port.mjs';
import { redisProgram } from './requirements.js';

/** Characters of what a server has said. */
const OUTPUT_KEPT = 2_000;

/** A Redis of its own, on a free port and with a folder of its own, that tests may stop, restart and empty. */
export class RedisServer {
  /** What sentinels call the server that they watch. */
  static readonly MASTER = 'main';
  private process: ChildProcess | undefined;
  /** What it has said last, for who asks why it is not there. */
  private output = '';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly args: readonly string[],
    private readonly program = redisProgram,
  ) {}

  /** @param args for `redis-server`, for example `--cluster-enabled yes`. */
  static start(...args: readonly string[]): Promise<RedisServer> {
    return RedisServer.startProgram(redisProgram, ...args);
  }

  /** @param program one that takes the arguments of `redis-server`. */
  static async startProgram(program: string, ...args: readonly string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'signalr-redis-'));
    const server = new RedisServer(await freePort(), folder, args, program);
    await server.restart();
    return server;
  }

  /** Starts a sentinel that watches over a server, and soon takes it for dead. */
  static async startSentinel({ port }: RedisServer): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'signalr-sentinel-'));
    const config = join(folder, 'sentinel.conf');
    const name = RedisServer.MASTER;
    const lines = [
      `sentinel monitor ${name} 127.0.0.1 ${port} 1`,
      `sentinel down-after-milliseconds ${name} 400`,
      `sentinel failover-timeout ${name} 4000`,
    ];
    await writeFile(config, lines.join('\n'));
    const sentinel = new RedisServer(await freePort(), folder, [config, '--sentinel']);
    await sentinel.restart();
    return sentinel;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it (again) with what it has saved. */
  async restart(): Promise<void> {
    const { port, folder, args } = this;
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder];
    // A configuration file has to come first, and sentinels save nothing.
    const all = args.includes('--sentinel') ? [...args, ...options] : [...options, '--save', '', ...args];
    this.output = '';
    this.process = spawn(this.program, all, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.process.stdout?.on('data', (text: Buffer) => {
      this.output = `${this.output}${text.toString()}`.slice(-OUTPUT_KEPT);
    });
    await this.whenReady();
  }

  /** Kills it. What it has not saved is gone. */
  async kill(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (process !== undefined && process.exitCode === null) {
      const exited = once(process, 'exit');
      process.kill('SIGKILL');
      await exited;
    }
  }

  /** Runs a command and gives its answer. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async whenReady(): Promise<void> {
    for (let attempt = 0; attempt < 200 && this.process?.exitCode === null; attempt++) {
      try {
        await this.command('PING');
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    throw new Error(`${this.program} does not answer on port ${this.port}:\n${this.output}`);
  }
}

/** The Redis that the environment names, or one that is started for the suite. */
export async function sharedRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const url = process.env.NESTJS_SIGNALR_REDIS_URL;
  return url === undefined || url === '' ? RedisServer.start() : { url, stop: async () => undefined };
}
