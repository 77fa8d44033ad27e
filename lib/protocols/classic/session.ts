import { isBackplaneDown, toError } from '../../common/errors.js';
import { andThen, DONE, isThenable } from '../../common/promises.js';
import { type TraceSource, traceSource } from '../../common/trace.js';
import { Connection, type DisconnectOptions, MESSAGES_LOST } from '../../connections/connection.js';
import { type ConnectionStatus, MeasuredConnection } from '../../connections/connection-metrics.js';
import type { LifecycleEvent } from '../../invocation/hub-invoker.js';
import { NOTHING_MISSED, type Replay } from '../../messaging/backplane.js';
import type { Envelope } from '../../messaging/envelope.js';
import { connectionOf, type Topic } from '../../messaging/topics.js';
import type { Channel, TransportName } from '../../transports/channel.js';
import type { Dispatcher } from './application.js';
import {
  BareItem,
  classicCodec,
  type ClassicItem,
  type ClassicMessage,
  ENVELOPE,
  KEEP_ALIVE,
  readCursor,
} from './codec.js';
import type { HandedSession } from './handover.js';
import { Inbound, type InboundOwner } from './inbound.js';
import { LiveMessages } from './live-messages.js';
import type { Admitted, ClassicServices, Opening } from './opening.js';
import { BadClassicRequest } from './request.js';
import { type Farewell, type ResponseHead, ResponseWriter } from './response-writer.js';
import { Subscriptions } from './subscriptions.js';

const HEARTBEAT = traceSource('SignalR.Transports.TransportHeartBeat');

const TRANSPORTS: Readonly<Record<TransportName, TraceSource>> = {
  webSockets: traceSource('SignalR.Transports.WebSocketTransport'),
  serverSentEvents: traceSource('SignalR.Transports.ServerSentEventsTransport'),
  foreverFrame: traceSource('SignalR.Transports.ForeverFrameTransport'),
  longPolling: traceSource('SignalR.Transports.LongPollingTransport'),
};

/** A lost line is given this much, in milliseconds, on top of `disconnectTimeout`; a poll its delay (signalr-2 §4.2). */
const GRACE = 5_000;

/**
 * The session of one classic client with all its hubs. It outlives its channel: a closed socket is no disconnect, and
 * until the client returns, or says goodbye, or time is up, the log keeps its messages (signalr-2 §4.3).
 */
export class ClassicConnection extends Connection<ClassicItem> implements ResponseHead, InboundOwner {
  readonly protocol = 'classic';
  private static readonly logger = traceSource('SignalR.Connection');
  /** What its client is connected to. */
  dispatcher: Dispatcher;
  private readonly writer: ResponseWriter;
  private readonly subscriptions: Subscriptions;
  private readonly live: LiveMessages;
  private readonly inbound: Inbound;
  private readonly measured: MeasuredConnection | undefined;
  private attachedAt: number;
  /** How long, beyond `disconnectTimeout`, it may be without a channel. */
  private grace = GRACE;
  private lastSeenAt: number;
  private isPolling = false;
  private greeting: Promise<void> | undefined;

  constructor(
    { connectionId, request, dispatcher, userId }: Admitted,
    readonly services: ClassicServices,
  ) {
    super(connectionId, request, services.options.outbox);
    this.dispatcher = dispatcher;
    this.userId = userId;
    this.subscriptions = new Subscriptions(this, services);
    this.live = new LiveMessages(this, services.options.outbox.maxMessages);
    this.writer = new ResponseWriter(this, services.backplane.tail());
    this.inbound = new Inbound(this, services.classic.maximumParallelInvocationsPerClient);
    if (services.metrics !== undefined) {
      this.measured = new MeasuredConnection(services.metrics, this.protocol, services.options.clock);
    }
    this.attachedAt = services.options.clock.now();
    this.lastSeenAt = this.attachedAt;
  }

  get hubNames(): readonly string[] {
    return this.dispatcher.hubNames;
  }

  override get path(): string | undefined {
    return this.dispatcher.path;
  }

  /** The groups that it is in. */
  get groupTopics(): readonly Topic[] {
    return this.subscriptions.groupTopics;
  }

  /** A polling client is not away between two polls. */
  override get transport(): TransportName | undefined {
    return super.transport ?? (this.isPolling ? 'longPolling' : undefined);
  }

  /**
   * Continues over a new channel; one that is still open is closed. The topics are subscribed before hubs are told, so
   * that what they send and which groups they join there reaches the client (signalr-2 §4.1).
   */
  async attach(channel: Channel, opening: Opening): Promise<void> {
    this.close();
    this.request = opening.request;
    this.dispatcher = opening.dispatcher;
    this.userId = opening.userId;
    this.lastSeenAt = this.services.options.clock.now();
    this.attachedAt = this.lastSeenAt;
    this.isPolling = channel.transport === 'longPolling';
    this.grace = this.isPolling ? this.services.classic.longPollDelay : GRACE;
    this.outbox.clear();
    this.trace('opened', channel);
    this.measured?.opened(channel.transport);
    try {
      await this.openWith(channel, opening);
    } catch (error) {
      // The response has begun: all that is left is to break it off (signalr-2 §1.6, §4.9).
      if (!this.ended || !isBackplaneDown(error)) {
        // What is missed by a session that ends with its node, nobody waits for.
        this.reportLifecycle(opening.kind === 'connect' ? 'onConnected' : 'onReconnected', error);
      }
      this.live.release(channel);
      if (this.channel === channel || this.channel === undefined) {
        this.detach();
        breakOff(channel);
      }
    }
  }

  private async openWith(channel: Channel, opening: Opening): Promise<void> {
    const { kind } = opening;
    const cursor = kind === 'connect' ? undefined : readCursor(opening.messageId);
    this.live.hold(channel);
    this.channel = channel;
    channel.owner = this;
    this.writer.continueAt(cursor ?? this.services.backplane.tail());
    this.inbound.restart();
    const subscribed = this.subscriptions.begin(opening);
    if (isThenable(subscribed)) {
      await subscribed;
    }
    const replay = cursor === undefined ? NOTHING_MISSED : this.missedSince(cursor);
    this.goOn(channel, isThenable(replay) ? await replay : replay);
    if (this.ended) {
      return;
    }
    if (this.subscriptions.isTokenDue && this.channel === channel) {
      this.requestEnvelope();
    }
    if (kind === 'reconnect') {
      await this.raise({ name: 'onReconnected', args: [] }, opening);
    }
    if (kind !== 'connect') {
      return;
    }
    if (!opening.startsSeparately) {
      await this.greet(opening);
    }
    // Another channel may have taken over while hubs were told.
    if (this.channel === channel) {
      this.writer.initialize();
      this.outbox.push(ENVELOPE);
    }
  }

  /**
   * Raises `onConnected` for a client that never asks for it. One that connects again, because it fell back to another
   * transport, waits for what its first request has begun (signalr-2 §4.1).
   */
  private async greet(opening: Opening): Promise<void> {
    this.greeting ??= this.raise({ name: 'onConnected', args: [] }, opening);
    try {
      await this.greeting;
    } catch (error) {
      this.greeting = undefined;
      throw error;
    }
  }

  /** Goes on with a session that another node has given up. Its client is on its way. */
  async adopt({ groups, isGreeted }: HandedSession): Promise<void> {
    this.greeting = isGreeted ? DONE : undefined;
    await this.subscriptions.restore(groups);
  }

  /**
   * Gives the session to the node that its client has come back to. Hubs hear nothing of it, and what was not written is in
   * the log. It stays subscribed until {@link left} or {@link leaveBehind}.
   *
   * @returns undefined if it has ended before.
   */
  async release(nodeId: string): Promise<HandedSession | undefined> {
    await this.settled();
    if (!this.goAway()) {
      return undefined;
    }
    this.services.registry.handOver(this, nodeId);
    return { userId: this.userId, groups: this.subscriptions.save(), isGreeted: this.greeting !== undefined };
  }

  /** At once: whatever comes from now on is for the other node, or for one to which the session has moved from there. */
  takenAway(): void {
    if (this.goAway()) {
      this.services.registry.giveUp(this);
      void this.settled().then(() => this.leaveBehind());
    }
  }

  /** Which groups it has is known once it has subscribed to what its client has come with. */
  override async leftBehind(topics: readonly Topic[]): Promise<void> {
    await this.settled();
    await super.leftBehind(topics);
  }

  /** Nobody knows whether the other node has heard of its groups. */
  leaveBehind(): void {
    this.left();
    this.services.leftBehind.tell(this.id, this.groupTopics);
  }

  /** Resolves when nothing is being subscribed to, and hubs have greeted the client. */
  private settled(): Promise<unknown> {
    return Promise.allSettled([this.subscriptions.settled, this.greeting]);
  }

  /** It is none of this node's any more. Returns false if it had ended before. */
  private goAway(): boolean {
    if (!this.markMoved()) {
      return false;
    }
    this.live.drop();
    this.outbox.clear();
    this.close();
    this.services.limiter.leave(this.id);
    return true;
  }

  /** The other node has heard of everything, and has subscribed to it. */
  left(): void {
    this.services.registry.remove(this);
  }

  /** What is replayed for a channel must not reach the one that has taken over: its client has another cursor. */
  private goOn(channel: Channel, replay: Replay): void {
    const { backplane } = this.services;
    const { envelopes, known, complete, position } = replay;
    const waited = this.live.release(channel);
    if (this.channel !== channel) {
      return;
    }
    if (backplane.promisesPast === true && !(known && complete)) {
      this.messagesLost();
      return;
    }
    const news = this.live.goOn(waited, replay);
    if (envelopes.length === 0 && news.length === 0) {
      this.writer.cursor = position ?? backplane.tail();
    }
    // What a client comes back for has the limit of the log; held to that of the outbox, it might never catch up.
    this.outbox.suspendLimits(() => envelopes.forEach((envelope) => this.send(envelope)));
    news.forEach((envelope) => this.send(envelope));
  }

  private missedSince(cursor: string): Replay | Promise<Replay> {
    return andThen(this.subscriptions.missedSince(cursor), (replay) => {
      if (!replay.known) {
        this.measured?.lostMessages('unknown_cursor');
      } else if (!replay.complete) {
        this.measured?.lostMessages('log_exceeded');
        // Like the original, go on with what is left; but say so.
        ClassicConnection.logger.warn(
          `connection ${this.id} was away for more messages than are kept, or for longer: some may be lost`,
        );
      }
      return replay;
    });
  }

  /** Ends the channel, if one is open. A poll is not just ended, it is answered (signalr-2 §4.6). */
  private close(farewell: Farewell = {}): void {
    const { channel } = this;
    const isTold = channel?.transport === 'longPolling' || farewell.dismissal !== undefined;
    const last = isTold ? [this.writer.empty(farewell)] : undefined;
    this.detach();
    if (last !== undefined) {
      channel?.send(last);
    }
    channel?.end();
  }

  private detach(): void {
    if (this.channel !== undefined) {
      this.channel.owner = undefined;
      this.channel = undefined;
    }
  }

  private trace(what: string, channel: Channel | undefined): void {
    const source = TRANSPORTS[channel?.transport ?? 'webSockets'];
    if (source.isDebug) {
      source.debug(`${what} for connection ${this.id}`);
    }
  }

  /** Drops a line that is not read. It counts as gone at once: what comes next is for the log alone. */
  private drop(): void {
    const { channel } = this;
    this.onEnd();
    channel?.destroy();
  }

  onEnd(): void {
    this.trace('ended', this.channel);
    this.detach();
    this.lastSeenAt = this.services.options.clock.now();
    // What was not written is still in the log.
    this.outbox.clear();
  }

  /** Raises an event of all hubs at once; the first failure is the failure (signalr-2 §4.9). */
  raise(
    event: LifecycleEvent,
    { dispatcher, request }: Pick<Admitted, 'dispatcher' | 'request'>,
  ): Promise<void> {
    return dispatcher.raise(this, event, request);
  }

  /**
   * Ends the connection for good.
   *
   * @param stopCalled true if the client said goodbye.
   * @param farewell what the client is told.
   * @param status what metrics call it.
   */
  async end(
    stopCalled: boolean,
    farewell: Farewell = {},
    status: ConnectionStatus = 'normal_closure',
  ): Promise<void> {
    if (!this.markEnded()) {
      return;
    }
    this.outbox.flush();
    this.close(farewell);
    try {
      await this.raise(
        { name: 'onDisconnected', args: [stopCalled] },
        { dispatcher: this.dispatcher, request: this.request },
      );
    } catch (error) {
      this.reportLifecycle('onDisconnected', error);
    }
    this.services.limiter.leave(this.id);
    this.services.registry.remove(this);
    if (this.services.dismissed.reasonOf(this.id) !== undefined) {
      this.services.registry.routes.hold(this.id, 'classic');
    }
    this.measured?.closed(status);
  }

  /** A client that may come back goes on where it was; any other is told to go, and refused if it tries. */
  disconnect(options: DisconnectOptions): void {
    const { reason, allowReconnect } = options;
    if (this.isElsewhere) {
      // A call that has been running since before the session moved.
      this.services.backplane
        .command(
          { type: 'disconnect', connectionId: this.id, ...options },
          this.services.options.groupTimeout,
        )
        .catch((error: unknown) => this.reportLifecycle('disconnecting', error));
      return;
    }
    if (allowReconnect) {
      this.close({ reconnect: true });
      this.lastSeenAt = this.services.options.clock.now();
      return;
    }
    const dismissal = reason ?? 'The connection was closed by the server.';
    this.services.dismissed.add(this.id, dismissal);
    void this.end(false, { dismissal });
  }

  /** Classic clients have no way to come back as somebody else but to begin anew. */
  messagesLost(): void {
    this.disconnect({ reason: MESSAGES_LOST, allowReconnect: false });
  }

  shutDown(): Promise<void> {
    this.channel?.resume();
    return this.end(false, { reconnect: true }, 'app_shutdown');
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
    } else {
      this.inbound.receive(data.toString());
    }
  }

  dispatch(data: string): string | undefined | Promise<string | undefined> {
    return this.dispatcher.dispatch(this, data, this.request);
  }

  answer(response: string): void {
    // A client that has moved to another transport has given the call up.
    if (this.transport === 'webSockets') {
      this.outbox.push(new BareItem(response, false));
    }
  }

  pauseReading(): void {
    this.channel?.pause();
  }

  resumeReading(): void {
    this.channel?.resume();
  }

  /** While no channel is open, nothing is kept here: the log has it all, and a returning client asks for it. */
  override deliver(envelope: Envelope): void {
    const admitted = this.live.admit(envelope);
    if (admitted !== undefined) {
      this.send(admitted);
    }
  }

  private send(envelope: Envelope): void {
    if (this.channel !== undefined) {
      super.deliver(envelope);
      this.answerExcluded(envelope);
    }
  }

  /** A poll ends also when there was nothing for this client: its cursor moves on (signalr-2 §4.6, §5.4). */
  private answerExcluded({ message, position }: Envelope): void {
    if (message.excluded?.includes(this.id) === true && this.transport === 'longPolling') {
      this.writer.cursor = position;
      this.outbox.push(ENVELOPE);
    }
  }

  /** Other topics are only subscribed for what the client is connected to; its own carries the messages of all. */
  protected encode(envelope: Envelope): ClassicMessage | undefined {
    const isMeant = connectionOf(envelope.topic) !== this.id || this.dispatcher.receives(envelope.message);
    return isMeant ? envelope.encodedBy(classicCodec) : undefined;
  }

  write(items: readonly ClassicItem[]): void {
    this.channel?.send(this.writer.write(items));
  }

  get hasGroupsToken(): boolean {
    return this.subscriptions.isTokenDue;
  }

  takeGroupsToken(): string | undefined {
    return this.subscriptions.takeToken();
  }

  get pollDelay(): number | undefined {
    const { longPollDelay } = this.services.classic;
    return this.transport === 'longPolling' && longPollDelay > 0 ? longPollDelay : undefined;
  }

  /** The log has the messages: without the line, the client comes back for them. */
  overflowed(): void {
    ClassicConnection.logger.warn(
      `connection ${this.id} does not read: more than the outbox holds was waiting for it`,
    );
    this.drop();
  }

  dropped(count: number): void {
    ClassicConnection.logger.debug(`connection ${this.id} does not read: ${count} message(s) left out`);
  }

  joinGroup(topic: Topic): void | Promise<void> {
    const joined = this.subscriptions.join(topic);
    this.requestEnvelope();
    return joined;
  }

  leaveGroup(topic: Topic): void {
    this.subscriptions.leave(topic);
    this.requestEnvelope();
  }

  private requestEnvelope(): void {
    if (this.channel !== undefined) {
      this.outbox.push(ENVELOPE);
    }
  }

  /** @param keepAlive true on the beats on which all connections get a keep-alive. */
  onHeartbeat(now: number, keepAlive = false): void {
    if (this.channel === undefined) {
      if (now - this.lastSeenAt >= this.services.classic.disconnectTimeout + this.grace) {
        HEARTBEAT.debug(`connection ${this.id} has not come back`);
        void this.end(false, {}, 'timeout');
      }
      return;
    }
    this.lastSeenAt = now;
    if (this.blockedFor(now) >= this.services.classic.disconnectTimeout) {
      this.drop();
    } else if (this.hasTimedOut(now)) {
      HEARTBEAT.debug(`the time of connection ${this.id} on this line is up`);
      this.close();
      this.lastSeenAt = now;
    } else if (keepAlive && this.canWrite) {
      this.channel.keepAlive(KEEP_ALIVE);
    }
  }

  /** A poll has its time; a line without keep-alives is not trusted for ever, and its client simply reconnects. */
  private hasTimedOut(now: number): boolean {
    const { keepAlive, connectionTimeout } = this.services.classic;
    return (
      (this.transport === 'longPolling' || keepAlive === null) && now - this.attachedAt >= connectionTimeout
    );
  }
}

/** The response has begun, so all that is left is to end it; a WebSocket is dropped (signalr-2 §1.6, §4.9). */
function breakOff(channel: Channel): void {
  channel.owner = undefined;
  if (channel.transport === 'webSockets') {
    channel.destroy();
  } else {
    channel.end();
  }
}
