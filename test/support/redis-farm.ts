import { randomUUID } from 'node:crypto';

import { Logger } from '@nestjs/common';
import type { Backplane, ConnectionEntry, SkipReason } from 'nestjs-signalr';
import { redisBackplane, type RedisBackplaneOptions } from 'nestjs-signalr/redis';

import { RecordingNode } from '../../lib/testing/conformance/recording-node.js';
import { Gate } from './gate.js';
import type { RedisRelease } from './redis-releases.js';
import type { RedisServer } from './redis-server.js';

/** A node whose line to Redis a test may break. */
export interface FarmNode {
  readonly backplane: Backplane;
  readonly node: GapNode;
  readonly gate: Gate;
}

/** A node that also writes down what it may have lost. */
export class GapNode extends RecordingNode {
  readonly gaps: (readonly string[] | 'all')[] = [];

  readonly orphans: string[] = [];

  /** Connections of which it was told that another node has them, and which. */
  readonly lost: string[] = [];

  readonly skips: SkipReason[] = [];

  orphaned({ connectionId }: ConnectionEntry): void {
    this.orphans.push(connectionId);
  }

  taken(connectionId: string, nodeId: string): void {
    this.lost.push(`${connectionId} to ${nodeId}`);
  }

  skipped(reason: SkipReason): void {
    this.skips.push(reason);
  }

  gap(topics: readonly string[] | 'all'): void {
    this.gaps.push(topics);
  }
}

/** Nodes on one Redis, each behind a gate of its own. */
export class RedisFarm {
  readonly keyPrefix = `test-${randomUUID()}`;
  private readonly nodes: FarmNode[] = [];

  /**
   * That lines break is what these farms are for: nobody needs to read of it.
   *
   * @param release makes the clients. Default: the one that the backplane uses by itself.
   */
  constructor(
    private readonly redis: RedisServer,
    private readonly release?: RedisRelease,
  ) {
    Logger.overrideLogger(false);
  }

  async add(options: RedisBackplaneOptions = {}): Promise<FarmNode> {
    const gate = await Gate.before(this.redis.port);
    const { keyPrefix } = this;
    const { url } = gate;
    const source = this.release === undefined ? { url } : { client: this.release.createClient({ url }) };
    const backplane = redisBackplane({ ...source, keyPrefix, leaseDuration: 1_500, ...options });
    const node = new GapNode(`n${this.nodes.length}`);
    await backplane.start(node);
    const added = { backplane, node, gate };
    this.nodes.push(added);
    return added;
  }

  /** A node dies without a goodbye, as far as the others can see. */
  async kill({ node, gate }: FarmNode): Promise<void> {
    gate.close();
    await this.redis.command('DEL', `{${this.keyPrefix}}:lease:${node.id}`);
  }

  async stop(): Promise<void> {
    for (const { backplane, gate } of this.nodes.splice(0)) {
      await backplane.stop();
      await gate.dispose();
    }
  }
}

/** Resolves when the backplane has the state that a condition describes. */
export async function untilHealth(backplane: Backplane, status: 'up' | 'degraded' | 'down'): Promise<void> {
  const deadline = performance.now() + 8_000;
  while ((await backplane.health()).status !== status) {
    if (performance.now() > deadline) {
      throw new Error(`the backplane is not ${status}: ${JSON.stringify(await backplane.health())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
