import { setTimeout as sleep } from 'node:timers/promises';

import { Logger } from '@nestjs/common';
import type { Backplane } from 'nestjs-signalr';
import { redisBackplane, type RedisBackplaneOptions } from 'nestjs-signalr/redis';

import { call, textOf } from '../../lib/testing/conformance/recording-node.js';
import { GapNode, untilHealth } from './redis-farm.js';
import { until } from './until.js';

const TOPIC = 't';

/** A node that talks to others, and knows between which messages it was told that some may be missing. */
export class TalkingNode extends GapNode {
  private readonly gapsAfter: number[] = [];
  private said = 0;

  private constructor(
    id: string,
    readonly backplane: Backplane,
  ) {
    super(id);
  }

  static async start(id: string, options: RedisBackplaneOptions): Promise<TalkingNode> {
    const defaults = { leaseDuration: 1_500, bufferSize: 10_000 };
    const node = new TalkingNode(id, redisBackplane({ ...defaults, ...options }));
    await node.backplane.start(node);
    await node.backplane.subscribe(TOPIC);
    return node;
  }

  override gap(topics: readonly string[] | 'all'): void {
    super.gap(topics);
    this.gapsAfter.push(this.received.pending.length);
  }

  /** Says the next number. */
  say(): void | Promise<void> {
    return this.backplane.publish(TOPIC, call(`${this.id}:${this.said++}`));
  }

  /** The number that it has said last. */
  get last(): number {
    return this.said - 1;
  }

  /** What it has heard of a node, in pieces between which it knows that something may be missing. */
  heardOf({ id }: TalkingNode): number[][] {
    const texts = this.received.pending.map(textOf);
    const ends = [...this.gapsAfter, texts.length];
    return ends.map((end, index) =>
      texts
        .slice(ends[index - 1] ?? 0, end)
        .filter((text) => text.startsWith(`${id}:`))
        .map((text) => Number(text.split(':')[1])),
    );
  }

  /** What is missing, came twice or is out of order of what a node has said, unless this one knows of it. */
  faultsOf(speaker: TalkingNode): string[] {
    const pieces = this.heardOf(speaker);
    const before = (index: number): number | undefined => (index === 0 ? -1 : undefined);
    const faults = pieces.flatMap((piece, index) =>
      piece.flatMap((number, position) => {
        const former = position === 0 ? before(index) : piece[position - 1];
        return former === undefined || number === former + 1
          ? []
          : [`${speaker.id}: ${number} after ${former}`];
      }),
    );
    const end = pieces.at(-1)?.at(-1) ?? -1;
    return end === speaker.last
      ? faults
      : [...faults, `${speaker.id}: ${end} is the last of ${speaker.last}`];
  }
}

/** Nodes that talk all at once while something happens to their Redis. */
export class TalkingNodes {
  private constructor(readonly nodes: readonly [TalkingNode, TalkingNode]) {}

  /** @param options of a node; called for each. That lines break is what these tests are about, so nothing is logged. */
  static async start(options: () => RedisBackplaneOptions): Promise<TalkingNodes> {
    Logger.overrideLogger(false);
    return new TalkingNodes([
      await TalkingNode.start('a', options()),
      await TalkingNode.start('b', options()),
    ]);
  }

  /** Talks before, during and after something. */
  async talkDuring(event: () => Promise<unknown>): Promise<void> {
    const state = { isOver: false };
    const talks = this.nodes.map(async (node) => {
      while (!state.isOver) {
        void node.say();
        await sleep(2);
      }
    });
    try {
      await this.untilHeard();
      await event();
      await this.untilUp();
    } finally {
      state.isOver = true;
      await Promise.all(talks);
    }
    for (const node of this.nodes) {
      await node.say();
    }
    await this.untilHeard();
  }

  /** Resolves when all nodes are well. */
  async untilUp(): Promise<void> {
    await Promise.all(this.nodes.map(({ backplane }) => untilHealth(backplane, 'up')));
  }

  /** Resolves when each has heard what the other has said last. */
  async untilHeard(): Promise<void> {
    for (const speaker of this.nodes) {
      const { last } = speaker;
      for (const node of this.nodes) {
        const isHeard = (): boolean => last < 0 || node.heardOf(speaker).flat().includes(last);
        await until(`${last} of ${speaker.id} at ${node.id}`, isHeard);
      }
    }
  }

  /** All that is missing, came twice or is out of order. */
  faults(): string[] {
    return this.nodes.flatMap((node) => this.nodes.flatMap((speaker) => node.faultsOf(speaker)));
  }

  async stop(): Promise<void> {
    for (const { backplane } of this.nodes) {
      await backplane.stop();
    }
  }
}
