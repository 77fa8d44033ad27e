import { DONE } from '../common/promises.js';
import type { ClientCall, Envelope } from '../messaging/envelope.js';
import type { ClientAnswer } from '../messaging/node-command.js';
import type { Topic } from '../messaging/topics.js';
import type { Channel, ChannelEnd, ChannelOwner, TransportName } from '../transports/channel.js';
import type { HubRequest } from '../transports/hub-request.js';
import { Outbox, type OutboxItem, type OutboxLimits, type OutboxOwner } from './outbox.js';

/** Which of the two SignalR families a connection speaks. */
export type ProtocolFamily = 'classic' | 'core';

/** How a connection is asked to end. */
export interface DisconnectOptions {
  /** Told to Core clients as the error of the Close message. */
  readonly reason?: string;
  /** Lets Core clients with automatic reconnect come back. */
  readonly allowReconnect: boolean;
}

/** What clients are told that may have missed messages. */
export const MESSAGES_LOST = 'Messages to this connection may have been lost.';

/** A call of a hub method that takes its time, as its connection sees it. */
export interface RunningCall {
  /** What the client calls it; undefined if it wants no answer. */
  readonly invocationId: string | undefined;
  /** Nobody waits for it any more. Must not throw. */
  cancel(): void;
}

/**
 * One client, from its first request until nothing more will come of it. It outlives its channel: a classic client may
 * return over another one. The sessions of the two protocols extend it.
 */
export abstract class Connection<T extends OutboxItem = OutboxItem> implements ChannelOwner, OutboxOwner<T> {
  abstract readonly protocol: ProtocolFamily;
  // First what every delivery looks at: together they are in one line of the cache, and a broadcast has many to fetch.
  protected channel: Channel | undefined;
  protected readonly outbox: Outbox<T>;
  private over = false;
  /** Everything it is subscribed to; kept by the registry. */
  readonly topics = new Set<Topic>();
  /** Who it is, for `clients.user(...)`; undefined if nobody in particular. */
  userId: string | undefined;
  /** Who the latest request came from, where that may be another object than the user of {@link request}. */
  latestUser: unknown;
  private blockedSince: number | undefined;
  private itemsOfHubCode: Map<unknown, unknown> | undefined;
  private abortController: AbortController | undefined;
  private hasMoved = false;
  /** Calls that somebody waits for, and those that have given a stream which has not ended. */
  private liveCalls: Set<RunningCall> | undefined;
  private busyCalls = 0;
  private idleWaiters: (() => void)[] | undefined;
  private roomWaiters: (() => void)[] | undefined;

  protected constructor(
    readonly id: string,
    /** The latest request that carried it. */
    public request: HubRequest,
    limits: OutboxLimits,
  ) {
    this.outbox = new Outbox(this, limits);
  }

  /** The hubs whose calls it receives, by canonical name. */
  abstract readonly hubNames: readonly string[];

  /** Path of the persistent connection or connection handler that it belongs to; undefined for connections to hubs. */
  get path(): string | undefined {
    return undefined;
  }

  /** What hub code keeps with the connection. */
  get items(): Map<unknown, unknown> {
    return (this.itemsOfHubCode ??= new Map());
  }

  get transport(): TransportName | undefined {
    return this.channel?.transport;
  }

  /** Fires when the connection ends. Made on first use: most connections never need one. */
  get aborted(): AbortSignal {
    this.abortController ??= new AbortController();
    if (this.over && !this.hasMoved) {
      this.abortController.abort();
    }
    return this.abortController.signal;
  }

  /** True once the connection has ended for good. */
  get ended(): boolean {
    return this.over;
  }

  /** True once another node goes on with it. */
  protected get isElsewhere(): boolean {
    return this.hasMoved;
  }

  /** Hands on a message of one of its topics. */
  deliver(envelope: Envelope): void {
    if (this.over || envelope.message.excluded?.includes(this.id) === true) {
      return;
    }
    const item = this.encode(envelope);
    if (item !== undefined) {
      this.outbox.push(item);
    }
  }

  /** The message in the form of the protocol; undefined if this connection is not to get it. */
  protected abstract encode(envelope: Envelope): T | undefined;

  /** Makes it a member of a group; resolves when messages to the group reach it. */
  abstract joinGroup(topic: Topic): void | Promise<void>;

  abstract leaveGroup(topic: Topic): void;

  /**
   * Calls a client method and gives what the client answers within so many milliseconds. Never rejects. Only Core clients
   * can answer.
   */
  ask(_call: ClientCall, _timeout: number): ClientAnswer | Promise<ClientAnswer> {
    return { type: 'mute' };
  }

  /** Ends the connection from the server's side. */
  abstract disconnect(options: DisconnectOptions): void;

  /**
   * Messages to it may be missing that cannot be made up. It does not go on as if nothing were: it ends, and its client has
   * to begin anew.
   */
  abstract messagesLost(): void;

  /** Another node had it as well, where it was in these groups: what was said in others than its own, nobody has told it. */
  leftBehind(topics: readonly Topic[]): void | Promise<void> {
    if (!topics.every((topic) => this.topics.has(topic))) {
      this.messagesLost();
    }
  }

  /** Another node has turned out to have it: here it goes away without a word to its client, which is there. */
  abstract takenAway(): void;

  /** Ends the connection because the server goes away: its client is told to come back. Resolves when hubs know. */
  abstract shutDown(): Promise<void>;

  /** Called by the one heartbeat of the process. */
  abstract onHeartbeat(now: number): void;

  abstract onData(data: Buffer, isBinary: boolean): void;

  abstract onEnd(end: ChannelEnd): void;

  abstract write(items: readonly T[]): void;

  abstract overflowed(): void;

  abstract dropped(count: number): void;

  get canWrite(): boolean {
    return this.channel?.writable === true;
  }

  onWritable(): void {
    this.blockedSince = undefined;
    this.outbox.flush();
    if (this.canWrite) {
      this.wakeSources();
    }
  }

  /** For sources that can wait: resolves when the peer takes more. Undefined if it does now, or nothing will come of it. */
  whenWritable(): Promise<void> | undefined {
    return this.canWrite || this.over
      ? undefined
      : new Promise((resolve) => (this.roomWaiters ??= []).push(resolve));
  }

  /** Sources wait no longer: the peer takes more, or never will. */
  protected wakeSources(): void {
    this.roomWaiters?.splice(0).forEach((wake) => wake());
  }

  /** A call of a hub method takes its time: from now on it is told when nobody waits for it any more. */
  callBegan(call: RunningCall): void {
    (this.liveCalls ??= new Set()).add(call);
    this.busyCalls++;
  }

  /** The method has returned or failed. What it returned may be a stream that goes on. */
  callReturned(): void {
    if (--this.busyCalls === 0) {
      this.idleWaiters?.splice(0).forEach((wake) => wake());
    }
  }

  /** Nothing more will come of the call. */
  callEnded(call: RunningCall): void {
    this.liveCalls?.delete(call);
  }

  /** The client does not want to know the outcome of a call any more; one that is not running is none. */
  cancelCall(invocationId: string): void {
    for (const call of this.liveCalls ?? []) {
      if (call.invocationId === invocationId) {
        call.cancel();
      }
    }
  }

  /** Resolves when no method is running. Streams may go on for ever, so they are not waited for. */
  whenIdle(): Promise<void> {
    return this.busyCalls === 0 ? DONE : new Promise((resolve) => (this.idleWaiters ??= []).push(resolve));
  }

  /** The client gets no further calls through: the server is about to go. */
  stopReading(): void {
    this.channel?.pause();
  }

  /** How long, in milliseconds, the peer has not taken what was written to it; as seen by heartbeats. */
  protected blockedFor(now: number): number {
    if (this.channel === undefined || this.channel.writable) {
      this.blockedSince = undefined;
      return 0;
    }
    this.blockedSince ??= now;
    return now - this.blockedSince;
  }

  /**
   * Another node goes on with it: for this one it has ended, but calls that are running go on. Returns false if it had
   * ended before.
   */
  protected markMoved(): boolean {
    if (this.over) {
      return false;
    }
    this.over = true;
    this.hasMoved = true;
    this.wakeSources();
    return true;
  }

  /** Marks the end; returns false if it had been reached before. */
  protected markEnded(): boolean {
    if (this.over) {
      return false;
    }
    this.over = true;
    this.abortController?.abort();
    this.liveCalls?.forEach((call) => call.cancel());
    this.wakeSources();
    return true;
  }
}
