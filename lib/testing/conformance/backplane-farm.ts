import assert from 'node:assert/strict';

import type { Backplane } from '../../messaging/backplane.js';
import { RecordingNode } from './recording-node.js';

/** Makes so many backplanes of one farm. */
export type CreateBackplanes = (count: number) => readonly Backplane[] | Promise<readonly Backplane[]>;

/** A backplane that has been started, and its node. */
export interface FarmNode {
  readonly backplane: Backplane;
  readonly node: RecordingNode;
}

/** A check of the suite: it starts what it needs, and rejects with what is wrong. */
export interface FarmCheck {
  readonly name: string;
  /** True if only backplanes that keep the past everywhere can pass it. */
  readonly needsPast?: true;
  run(farm: BackplaneFarm): Promise<void>;
}

/** The backplanes of one check, with nodes `n0`, `n1` and so on. */
export class BackplaneFarm {
  private readonly running = new Set<Backplane>();

  /** @param deadline how long, in milliseconds, the check waits for what has to come. */
  constructor(
    private readonly create: CreateBackplanes,
    readonly deadline: number,
  ) {}

  async one(): Promise<FarmNode> {
    const [node] = await this.start(1);
    return node as FarmNode;
  }

  async two(): Promise<[FarmNode, FarmNode]> {
    return (await this.start(2)) as [FarmNode, FarmNode];
  }

  /** Stops a backplane before the check is over: each is stopped once only. */
  async leave({ backplane }: FarmNode): Promise<void> {
    this.running.delete(backplane);
    await backplane.stop();
  }

  /** Stops all that still run, then fails with the first failure. */
  async stop(): Promise<void> {
    const backplanes = [...this.running];
    this.running.clear();
    const outcomes = await Promise.allSettled(backplanes.map(async (backplane) => backplane.stop()));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        throw outcome.reason;
      }
    }
  }

  private async start(count: number): Promise<FarmNode[]> {
    const backplanes = await this.create(count);
    assert.equal(backplanes.length, count, 'create(count) has to make as many backplanes as it is asked for');
    const nodes = backplanes.map((backplane, index) => ({
      backplane,
      node: new RecordingNode(`n${index}`, this.deadline),
    }));
    for (const { backplane, node } of nodes) {
      await backplane.start(node);
      this.running.add(backplane);
    }
    return nodes;
  }
}
