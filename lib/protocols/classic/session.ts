import { Logger } from '@nestjs/common';

import { toError } from '../../common/errors.js';
import type { ClassicOptions } from '../../common/options.js';
import { isThenable } from '../../common/promises.js';
import { Connection, type DisconnectOptions } from '../../connections/connection.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { LifecycleEvent } from '../../invocation/hub-invoker.js';
import type { ReplayTopic } from '../../messaging/backplane.js';
import type { Envelope } from '../../messaging/envelope.js';
import { connectionTopic, hubTopic, type Topic, userTopic } from '../../messaging/topics.js';
import type { Channel, ChannelEnd } from '../../transports/channel.js';
import { Frame } from '../../transports/frame.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ProtocolServices } from '../endpoint.js';
import type { ClassicCalls } from './calls.js';
import {
  BareItem,
  classicCodec,
  type ClassicItem,
  type ClassicMessage,
  ENVELOPE,
  KEEP_ALIVE,
  persistentResponse,
  readCursor,
} from './codec.js';
import { readHubMessage } from './hub-message.js';
import { Membership } from './membership.js';
import { BadClassicRequest } from './request.js';
import type { ClassicTokens } from './tokens.js';

/** What all classic connections share. */
export interface ClassicServices extends ProtocolServices {
  readonly classic: ClassicOptions;
  readonly tokens: ClassicTokens;
  readonly calls: ClassicCalls;
}

/** What a request that passed all checks says of its client. */
export interface Admitted {
  readonly connectionId: string;
  readonly request: HubRequest;
  readonly userId: string | undefined;
  /** The hubs that the client listed and may connect to. */
  readonly hubs: readonly HubDescriptor[];
  /** Topics of the groups that it brings back. */
  readonly groups: readonly Topic[];
}

/** How a client opens a channel. */
export interface Opening extends Admitted {
  /** False for a client that comes back. */
  readonly isNew: boolean;
  /** True if `onConnected` has to wait for `/start`. */
  readonly startsSeparately: boolean;
  /** The last cursor that the client has seen. */
  readonly messageId: string | undefined;
}

/** A lost connection is given this much, in milliseconds, on top of `disconnectTimeout` (signalr-2 §4.2). */
const GRACE = 5_000;

/**
 * The session of one classic client with all its hubs. It outlives its channel: a closed socket is no disconnect, and
 * until the client returns, or says goodbye, or time is up, the log keeps its messages (signalr-2 §4.3).
 */
export class ClassicConnection extends Connection<ClassicItem> {
  readonly protocol = 'classic';
  private static readonly logger = new Logger('SignalR.Classic');
  private hubs: readonly HubDescriptor[];
  /** Position of the last message that was written. */
  private cursor: string;
  private announceInit = false;
  private readonly groups = new Membership();
  /** Messages that arrive while the past is being replayed. */
  private held: Envelope[] | undefined;
  private running = 0;
  private attachedAt: number;
  private lastSeenAt: number;

  constructor(
    { connectionId, request, hubs, userId }: Admitted,
    private readonly services: ClassicServices,
  ) {
    super(connectionId, request, services.options.outbox);
    this.hubs = hubs;
    this.userId = userId;
    this.cursor = services.backplane.tail();
    this.attachedAt = services.options.clock.now();
    this.lastSeenAt = this.attachedAt;
  }

  get hubNames(): readonly string[] {
    return this.hubs.map(({ name }) => name);
  }

  /**
   * Continues over a new channel; one that is still open is closed. The topics are subscribed before hubs are told, so
   * that what they send and which groups they join there reaches the client (signalr-2 §4.1).
   */
  async attach(channel: Channel, opening: Opening): Promise<void> {
    this.release(this.channel);
    this.request = opening.request;
    this.hubs = opening.hubs;
    this.userId = opening.userId;
    this.lastSeenAt = this.services.options.clock.now();
    this.attachedAt = this.lastSeenAt;
    this.outbox.clear();
    try {
      await this.openWith(channel, opening);
    } catch (error) {
      // The response has begun: all that is left is to break it off (signalr-2 §1.6, §4.9).
      this.reportLifecycle(opening.isNew ? 'onConnected' : 'onReconnected', error);
      this.held = undefined;
      if (this.channel === channel || this.channel === undefined) {
        this.release(undefined);
        channel.owner = undefined;
        channel.destroy();
      }
    }
  }

  private async openWith(channel: Channel, opening: Opening): Promise<void> {
    const cursor = opening.isNew ? undefined : readCursor(opening.messageId);
    this.held = [];
    this.channel = channel;
    channel.owner = this;
    await this.subscribe(opening);
    await this.replay(cursor);
    if (!opening.isNew) {
      await this.raise({ name: 'onReconnected', args: [] }, opening);
      return;
    }
    if (!opening.startsSeparately) {
      await this.raise({ name: 'onConnected', args: [] }, opening);
    }
    // Another channel may have taken over while hubs were told.
    if (this.channel === channel) {
      this.announceInit = true;
      this.outbox.push(ENVELOPE);
    }
  }

  private async subscribe({ isNew, groups }: Opening): Promise<void> {
    const { registry } = this.services;
    if (registry.get(this.id) !== this) {
      await registry.add(this, []);
    }
    if (isNew) {
      this.groups.clear();
    }
    const own = this.ownTopics();
    const rejoined = this.groups.rejoin(groups, this.hubs);
    for (const topic of this.topics) {
      if (!own.includes(topic) && !rejoined.includes(topic)) {
        registry.leave(this, topic);
      }
    }
    await Promise.all([
      ...own.map((topic) => registry.subscribe(this, topic)),
      ...rejoined.map((topic) => registry.join(this, topic)),
    ]);
  }

  private ownTopics(): Topic[] {
    const topics = [connectionTopic(this.id)];
    for (const { name } of this.hubs) {
      topics.push(hubTopic(name));
      if (this.userId !== undefined && this.userId !== '') {
        topics.push(userTopic(name, this.userId));
      }
    }
    return topics;
  }

  private async replay(cursor: string | undefined): Promise<void> {
    const { backplane } = this.services;
    const topics = [...this.topics].map((topic) => this.groups.replayOf(topic));
    const past = cursor === undefined ? [] : await this.missedSince(cursor, topics);
    const replayed = new Set(past.map(({ position }) => position));
    const held = this.held ?? [];
    this.held = undefined;
    if (past.length === 0 && held.length === 0) {
      this.cursor = backplane.tail();
    }
    for (const envelope of [...past, ...held.filter(({ position }) => !replayed.has(position))]) {
      this.deliver(envelope);
    }
  }

  private async missedSince(cursor: string, topics: readonly ReplayTopic[]): Promise<readonly Envelope[]> {
    const { envelopes, known, complete } = await this.services.backplane.replay(topics, cursor);
    if (known && !complete) {
      // Like the original, go on with what is left; but say so.
      ClassicConnection.logger.warn(
        `connection ${this.id} was away for more messages than are kept: some are lost`,
      );
    }
    return envelopes;
  }

  /** Lets go of a channel and ends it. */
  private release(channel: Channel | undefined): void {
    if (this.channel !== undefined) {
      this.channel.owner = undefined;
      this.channel = undefined;
    }
    channel?.end();
  }

  onEnd(_end: ChannelEnd): void {
    this.release(undefined);
    this.lastSeenAt = this.services.options.clock.now();
    // What was not written is still in the log.
    this.outbox.clear();
  }

  /** Raises an event of all hubs at once; the first failure is the failure (signalr-2 §4.9). */
  async raise(event: LifecycleEvent, { hubs, request }: Pick<Admitted, 'hubs' | 'request'>): Promise<void> {
    await Promise.all(hubs.map((hub) => this.services.invoker.raise(this, hub, event, request)));
  }

  /**
   * Ends the connection for good.
   *
   * @param stopCalled true if the client said goodbye.
   */
  async end(stopCalled: boolean): Promise<void> {
    if (!this.markEnded()) {
      return;
    }
    this.outbox.flush();
    this.release(this.channel);
    const event: LifecycleEvent = { name: 'onDisconnected', args: [stopCalled] };
    await Promise.all(
      this.hubs.map((hub) =>
        this.services.invoker
          .raise(this, hub, event, this.request)
          .catch((error: unknown) => this.reportLifecycle('onDisconnected', error)),
      ),
    );
    this.services.registry.remove(this);
  }

  disconnect(_options: DisconnectOptions): void {
    void this.end(false);
  }

  private reportLifecycle(event: string, error: unknown): void {
    if (error instanceof BadClassicRequest) {
      ClassicConnection.logger.debug(error.message);
    } else {
      ClassicConnection.logger.error(`${event} failed for connection ${this.id}`, toError(error).stack);
    }
  }

  onData(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      // Not supported: the socket is torn down, the client may return (signalr-2 §4.3).
      this.channel?.destroy();
      return;
    }
    try {
      const answer = this.services.calls.run(this, readHubMessage(data.toString()), this.request);
      if (isThenable(answer)) {
        this.running++;
        this.regulate();
        void answer.then((response) => this.settled(response));
      } else {
        this.outbox.push(new BareItem(answer, false));
      }
    } catch (error) {
      // The client gets no reply to what never reached a hub (signalr-2 §4.3).
      ClassicConnection.logger.debug(
        `a message of connection ${this.id} has no answer: ${toError(error).message}`,
      );
    }
  }

  private settled(response: string): void {
    this.running--;
    this.regulate();
    if (this.channel !== undefined) {
      this.outbox.push(new BareItem(response, false));
    }
  }

  /** A client whose calls pile up has to wait. */
  private regulate(): void {
    const limit = this.services.classic.maximumParallelInvocationsPerClient;
    if (this.running === limit) {
      this.channel?.pause();
    } else if (this.running === limit - 1) {
      this.channel?.resume();
    }
  }

  /** While no channel is open, nothing is kept here: the log has it all, and a returning client asks for it. */
  override deliver(envelope: Envelope): void {
    if (this.held !== undefined) {
      this.held.push(envelope);
    } else if (this.channel !== undefined) {
      super.deliver(envelope);
    }
  }

  /** Hub, group and user topics are only subscribed for listed hubs; its own topic carries calls of all hubs. */
  protected encode(envelope: Envelope): ClassicMessage | undefined {
    const isListed =
      envelope.topic !== connectionTopic(this.id) || this.hubs.some(({ name }) => name === envelope.call.hub);
    return isListed ? envelope.encodedBy(classicCodec) : undefined;
  }

  write(items: readonly ClassicItem[]): void {
    const only = items[0];
    if (items.length === 1 && only?.kind === 'bare') {
      this.channel?.send([only.frame]);
      return;
    }
    const frames: Frame[] = [];
    let batch: ClassicMessage[] = [];
    let wanted = false;
    const closeBatch = (): void => {
      if (wanted) {
        frames.push(this.envelope(batch));
        batch = [];
        wanted = false;
      }
    };
    for (const item of items) {
      if (item.kind === 'bare') {
        closeBatch();
        frames.push(item.frame);
      } else {
        wanted = true;
        if (item.kind === 'message') {
          batch.push(item);
        }
      }
    }
    closeBatch();
    this.channel?.send(frames);
  }

  /** One message with nothing else to say needs no envelope of its own: receivers share it. */
  private envelope(batch: readonly ClassicMessage[]): Frame {
    const last = batch.at(-1);
    this.cursor = last?.position ?? this.cursor;
    if (batch.length === 1 && last !== undefined && !this.announceInit && !this.groups.changed) {
      return last.frame;
    }
    const groupsToken = this.groups.changed
      ? this.services.tokens.issueGroups(this.id, this.groups.names())
      : undefined;
    const response = {
      cursor: this.cursor,
      initialized: this.announceInit,
      groupsToken,
      messages: batch.map(({ data }) => data).join(','),
    };
    this.announceInit = false;
    this.groups.changed = false;
    return new Frame(persistentResponse(response));
  }

  /** The log has the messages: without the line, the client comes back for them. */
  overflowed(): void {
    ClassicConnection.logger.warn(
      `connection ${this.id} does not read: more than the outbox holds was waiting for it`,
    );
    this.channel?.destroy();
  }

  dropped(count: number): void {
    ClassicConnection.logger.debug(`connection ${this.id} does not read: ${count} message(s) left out`);
  }

  joinGroup(topic: Topic): void | Promise<void> {
    this.groups.join(topic, this.services.backplane.tail());
    this.requestEnvelope();
    return this.services.registry.join(this, topic);
  }

  leaveGroup(topic: Topic): void {
    this.groups.leave(topic);
    this.requestEnvelope();
    this.services.registry.leave(this, topic);
  }

  private requestEnvelope(): void {
    if (this.channel !== undefined) {
      this.outbox.push(ENVELOPE);
    }
  }

  /** @param keepAlive true on the beats on which all connections get a keep-alive. */
  onHeartbeat(now: number, keepAlive = false): void {
    const { disconnectTimeout, connectionTimeout, keepAlive: interval } = this.services.classic;
    if (this.channel === undefined) {
      if (now - this.lastSeenAt >= disconnectTimeout + GRACE) {
        void this.end(false);
      }
      return;
    }
    this.lastSeenAt = now;
    if (this.blockedFor(now) >= disconnectTimeout) {
      this.channel.destroy();
    } else if (interval === null && now - this.attachedAt >= connectionTimeout) {
      // Without keep-alives a line is not trusted for ever: the client simply reconnects.
      this.channel.end();
    } else if (keepAlive && this.canWrite) {
      this.outbox.push(KEEP_ALIVE);
    }
  }
}
