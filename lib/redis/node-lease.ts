import type { CancelTimer, Clock } from '../common/clock.js';
import { toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import { LAPSED, SYNC } from './log-scripts.js';
import type { LogPosition } from './log-position.js';
import type { LogMark } from './message-log.js';
import type { RedisAccess } from './redis-access.js';
import { COUNT_RETENTION } from './sender-counts.js';

/** How often a lease is renewed before it ends. */
const RENEWALS = 3;

/** What follows from signs of life. */
export interface LeaseOwner {
  /** Redis has answered. */
  alive(): void;
  /** Redis has not answered since the last time. */
  silent(): void;
  /** Redis answers, but what it publishes does not arrive. */
  deaf(): void;
  /** These nodes have given no sign of life. */
  lapsed(nodeIds: readonly string[]): void;
}

/** The node's place among the others: it says that it lives, and sees who does not any more. The one timer of a node. */
export class NodeLease {
  private readonly trace = traceSource('SignalR.MessageBus');
  private pending: Promise<LogMark> | undefined;
  private isAsking = false;
  private isListening = false;
  private cancel: CancelTimer | undefined;
  private upSince = 0;

  constructor(
    private readonly nodeId: string,
    /** How long, in milliseconds, the node counts as alive after a sign of life. */
    private readonly duration: number,
    private readonly position: LogPosition,
    private readonly redis: RedisAccess,
    private readonly owner: LeaseOwner,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.cancel = this.clock.every(this.duration / RENEWALS, () => this.beat());
  }

  /**
   * Gives a sign of life, and has a mark published on the node's own channel that says where the log stands. Those who ask
   * in the same turn share one.
   */
  sync(): Promise<LogMark> {
    this.pending ??= Promise.resolve().then(() => {
      this.pending = undefined;
      return this.send();
    });
    return this.pending;
  }

  /** There is a line to Redis (again). If Redis was away for all, others need time for a sign of life as well. */
  lineUp(): void {
    this.upSince = this.clock.now();
  }

  /** A mark has arrived. */
  heard(): void {
    this.isListening = false;
  }

  /** The node goes: others need not wait for its lease to end. */
  async leave(): Promise<void> {
    this.cancel?.();
    if (this.redis.isOpen) {
      const { keys } = this.redis;
      await this.redis.send(['SREM', keys.nodes, this.nodeId]);
      await this.redis.send(['DEL', keys.lease(this.nodeId)]);
    }
  }

  private beat(): void {
    if (!this.redis.isOpen) {
      return;
    }
    if (this.isAsking) {
      this.isAsking = false;
      this.owner.silent();
      return;
    }
    if (this.isListening) {
      this.isListening = false;
      this.owner.deaf();
    }
    this.isAsking = true;
    this.ask().then(
      () => (this.isAsking = false),
      (error: unknown) => {
        this.isAsking = false;
        this.isListening = false;
        this.trace.debug(`the lease was not renewed: ${toError(error).message}`);
      },
    );
  }

  private async ask(): Promise<void> {
    this.isListening = true;
    await this.sync();
    this.owner.alive();
    if (this.clock.now() - this.upSince < this.duration) {
      return;
    }
    const { keys } = this.redis;
    const lapsed = (await this.redis.run(LAPSED, [keys.nodes], [keys.leases])) as string[];
    if (lapsed.length > 0) {
      this.owner.lapsed(lapsed);
    }
  }

  private async send(): Promise<LogMark> {
    const { keys, publishCommand } = this.redis;
    const { tag, witnessed } = this.position;
    const reply = await this.redis.run(
      SYNC,
      [keys.epoch, keys.sequence, keys.terms, keys.accepted(tag), keys.lease(this.nodeId), keys.nodes],
      [
        ...witnessed,
        this.nodeId,
        Math.round(this.duration),
        COUNT_RETENTION,
        keys.nodeChannel(this.nodeId),
        publishCommand,
      ],
    );
    const [epoch, sequence, accepted, term] = reply as [string, number, number, string];
    this.position.heardOf(epoch);
    return { epoch, sequence, accepted, term };
  }
}
