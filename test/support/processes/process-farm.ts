import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import { platforms } from '../app.js';
import { freePort } from '../free-port.mjs';
import { sharedRedis } from '../redis-server.js';
import type { RoomMessage } from '../room-table.js';
import { RoundRobin } from '../round-robin.js';
import { NodeProcess } from './node-process.mjs';

const main = fileURLToPath(new URL('room-node.mjs', import.meta.url));

/** What nodes call themselves. */
export const NODES = ['0', '1', '2'] as const;

/** Three nodes in processes of their own, on both platforms, with a Redis and a load balancer without affinity. */
export class ProcessFarm {
  private hasKilled = false;

  private constructor(
    private readonly redis: { stop(): Promise<void> },
    private readonly nodes: readonly NodeProcess[],
    readonly proxy: RoundRobin,
  ) {}

  static async start(): Promise<ProcessFarm> {
    const redis = await sharedRedis();
    const keyPrefix = `processes-${randomUUID()}`;
    const ports = await Promise.all(NODES.map(() => freePort()));
    const nodes = NODES.map((name, index) => {
      const platform = platforms[index % platforms.length];
      return new NodeProcess(main, { name, platform, port: ports[index], redisUrl: redis.url, keyPrefix });
    });
    try {
      await Promise.all(nodes.map((node) => node.start()));
    } catch (error) {
      await Promise.all(nodes.map((node) => node.kill()));
      await redis.stop();
      throw error;
    }
    const proxy = await RoundRobin.start(nodes.map(({ port }) => `http://127.0.0.1:${port}`));
    return new ProcessFarm(redis, nodes, proxy);
  }

  /** Where clients connect, over the load balancer. */
  get url(): string {
    return `${this.proxy.url}/signalr`;
  }

  /** Warnings and errors of all nodes, but for what they say of a killed one when its lease ends: many tests are over before. */
  get logged(): readonly string[] {
    const lines = this.nodes.flatMap(({ logged }) => logged);
    return this.hasKilled ? lines.filter((line) => !line.includes('gives no sign of life')) : lines;
  }

  /** The hub context of a node sends. */
  async speak(index: number, ...messages: RoomMessage[]): Promise<void> {
    await this.node(index).ask({ order: 'speak', args: [messages] });
  }

  /** The hub context of a node takes a connection into a group. */
  async join(index: number, id: string, group: string): Promise<void> {
    await this.node(index).ask({ order: 'join', args: [id, group] });
  }

  /** The hub context of a node asks a client. */
  ask(index: number, id: string, question: unknown): Promise<unknown> {
    return this.node(index).ask({ order: 'ask', args: [id, question] });
  }

  /** Does something while all requests go to one node: who connects then is at home there. */
  async at<T>(index: number, action: () => Promise<T>): Promise<T> {
    const others = NODES.map((_, other) => other).filter((other) => other !== index);
    others.forEach((other) => this.proxy.takeOut(other));
    try {
      return await action();
    } finally {
      others.forEach((other) => this.proxy.putBack(other));
    }
  }

  /** A node ends without a word, and gets no more requests. */
  async kill(index: number): Promise<void> {
    this.hasKilled = true;
    this.proxy.takeOut(index);
    await this.node(index).kill();
  }

  /** A killed node comes again, as another process at the same port. */
  async revive(index: number): Promise<void> {
    await this.node(index).start();
    this.proxy.putBack(index);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.proxy.close();
    await this.redis.stop();
  }

  private node(index: number): NodeProcess {
    return this.nodes[index] as NodeProcess;
  }
}
