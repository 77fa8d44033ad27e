import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { Line } from './line.js';
import type { SubscriberConnection } from './redis-connections.js';

/** How many channels one command names. */
const CHUNK = 1_000;

/** What is told of changes. */
export interface SubscriptionsOwner {
  /** These channels are subscribed to from now on. Who has asked for them waits for it. */
  subscribed(channels: readonly string[]): Promise<void>;
  /** Everything is subscribed to on a new connection. */
  restored(): void;
}

/**
 * Keeps the channels that are subscribed to in step with those that are wanted. What is asked for while Redis answers
 * leaves together, so that a thousand clients who come at once cost a few commands.
 */
export class Subscriptions {
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly wanted = new Set<string>();
  private readonly actual = new Set<string>();
  private readonly changed = new Set<string>();
  private waiters: (() => void)[] = [];
  private isWorking = false;
  private isRestored = false;

  constructor(
    private readonly line: Line<SubscriberConnection>,
    private readonly owner: SubscriptionsOwner,
  ) {}

  /** True if everything that is wanted is subscribed to, or about to be on a connection that works. */
  get isReady(): boolean {
    return this.isRestored;
  }

  /** Resolves when what is published on the channel reaches the node; at once while there is no connection. */
  add(channel: string): void | Promise<void> {
    this.wanted.add(channel);
    return this.change(channel);
  }

  remove(channel: string): void {
    this.wanted.delete(channel);
    void this.change(channel);
  }

  /** There is a new connection, on which nothing is subscribed to. */
  async restore(connection: SubscriberConnection): Promise<void> {
    this.lost();
    this.isWorking = true;
    try {
      await this.subscribe(connection, [...this.wanted]);
    } catch (error) {
      this.failed(connection, error);
      return;
    }
    this.isWorking = false;
    if (this.line.current === connection) {
      this.isRestored = true;
      this.owner.restored();
      void this.work();
    }
  }

  /** The connection is lost: nobody has to wait, since what is missed will be made up. */
  lost(): void {
    this.isRestored = false;
    this.actual.clear();
    this.changed.clear();
    this.isWorking = false;
    this.waiters.splice(0).forEach((wake) => wake());
  }

  private change(channel: string): void | Promise<void> {
    if (this.line.current === undefined) {
      return undefined;
    }
    this.changed.add(channel);
    const done = new Promise<void>((resolve) => this.waiters.push(resolve));
    if (!this.isWorking) {
      this.isWorking = true;
      // What else is asked for in this turn goes along.
      queueMicrotask(() => void this.work());
    }
    return done;
  }

  private async work(): Promise<void> {
    const connection = this.line.current;
    this.isWorking = true;
    try {
      while (this.changed.size > 0 && connection !== undefined && connection === this.line.current) {
        await this.batch(connection);
      }
    } catch (error) {
      this.failed(connection, error);
    }
    if (connection === this.line.current) {
      this.isWorking = false;
    }
  }

  private async batch(connection: SubscriberConnection): Promise<void> {
    const changed = [...this.changed];
    const waiters = this.waiters.splice(0);
    this.changed.clear();
    const added = changed.filter((channel) => this.wanted.has(channel) && !this.actual.has(channel));
    const removed = changed.filter((channel) => !this.wanted.has(channel) && this.actual.has(channel));
    try {
      await Promise.all([this.subscribe(connection, added), this.unsubscribe(connection, removed)]);
      // What was asked for while it was being given up is subscribed to with the next batch.
      const settled = changed.filter((channel) => this.wanted.has(channel) && this.actual.has(channel));
      if (settled.length > 0) {
        await this.owner.subscribed(settled);
      }
    } finally {
      waiters.forEach((wake) => wake());
    }
  }

  private async subscribe(connection: SubscriberConnection, channels: readonly string[]): Promise<void> {
    for (const chunk of chunks(channels)) {
      await connection.subscribe(chunk);
      if (connection === this.line.current) {
        chunk.forEach((channel) => this.actual.add(channel));
      }
    }
  }

  private async unsubscribe(connection: SubscriberConnection, channels: readonly string[]): Promise<void> {
    for (const chunk of chunks(channels)) {
      chunk.forEach((channel) => this.actual.delete(channel));
      await connection.unsubscribe(chunk);
    }
  }

  /** Without a loss of the connection, Redis has refused: a new one may be of another opinion. */
  private failed(connection: SubscriberConnection | undefined, error: unknown): void {
    if (connection === this.line.current) {
      this.trace.warn(`subscribing failed: ${toError(error).message}`);
      this.line.renew('Redis has refused to subscribe.');
    }
  }
}

function* chunks(channels: readonly string[]): IterableIterator<readonly string[]> {
  for (let begin = 0; begin < channels.length; begin += CHUNK) {
    yield channels.slice(begin, begin + CHUNK);
  }
}
