import { toError } from '../../common/errors.js';
import type { CoreHubOptions } from '../../common/core-options.js';
import { andThen, DONE, isThenable, recover } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import { type DisconnectOptions, MESSAGES_LOST } from '../../connections/connection.js';
import type { ConnectionStatus } from '../../connections/connection-metrics.js';
import { HubException } from '../../hubs/hub.exception.js';
import type { ClientCall, Envelope } from '../../messaging/envelope.js';
import type { ClientAnswer } from '../../messaging/node-command.js';
import { topicsOfHubs } from '../../messaging/topics.js';
import type { Channel, ChannelEnd } from '../../transports/channel.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreCalls } from './calls.js';
import type { ConnectedHubs } from './connected-hubs.js';
import type { CoreMessage } from './core-message.js';
import { CONNECTION_CLOSED, detailed } from './error-texts.js';
import {
  HANDSHAKE_CANCELED,
  HANDSHAKE_FAILED,
  handshakeAccepted,
  handshakeRefused,
  readHandshake,
} from './handshake.js';
import { HttpSession, INTERNAL_ERROR, NORMAL_CLOSURE } from './http-session.js';
import type { HubProtocol } from './hub-protocol.js';
import { Inbox, type InboxOwner } from './inbox.js';
import { Invocations } from './invocations.js';
import { jsonProtocol } from './json-hub-protocol.js';
import { KeepAlive } from './keep-alive.js';
import { MessageBuffer } from './message-buffer.js';
import { MessageHandler } from './message-handler.js';
import { namedError } from './messages.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket } from './tokens.js';

/** The life of a connection, in order. */
const State = {
  /** No channel has been opened yet; what the client posts meanwhile waits. */
  Unopened: 0,
  /** Waiting for the handshake. */
  Handshake: 1,
  /** The handshake is good, and not answered: it is being found out who the user is. */
  Introduced: 2,
  /** `onConnected` is running; what the client sends meanwhile waits. */
  Connecting: 3,
  Connected: 4,
  /** Nothing more is read; the hub is being told. */
  Ending: 5,
} as const;

/**
 * A client that stops closes its event stream and posts a Close at the same time. So long, in milliseconds, the Close may
 * take, so that the hub learns that the client has said goodbye.
 */
const GOODBYE_GRACE = 1_000;

/** How often, in milliseconds, a stateful client is told what has been received, at most (signalr-core §2.6). */
const ACK_INTERVAL = 1_000;

/** Why and how a connection ends. */
interface Ending {
  /** What the hub's `onDisconnected` gets to know. */
  readonly stopCalled: boolean;
  readonly error?: Error;
  /** The last message; none if nobody is there to read it. Who has no answer to the handshake does not get it. */
  readonly close?: CoreMessage;
  /** What metrics call it; `normal_closure` if nothing is said. */
  readonly status?: ConnectionStatus;
}

const HEARTBEAT = traceSource('SignalR.Transports.TransportHeartBeat');

/** The session of one Core client with its hubs: one, or several. */
export class CoreConnection extends HttpSession<CoreMessage> implements InboxOwner {
  // First what every delivery looks at, as in Connection.
  /** What the client speaks; handshakes are JSON whatever they choose. */
  codec: HubProtocol = jsonProtocol;
  /** Makes the connection survive its socket; undefined if it does not (signalr-core §2.6). */
  buffer: MessageBuffer | undefined;
  private state: (typeof State)[keyof typeof State] = State.Unopened;
  private readonly inbox: Inbox;
  private readonly invocations: Invocations;
  private readonly handler: MessageHandler;
  /** When the event stream closed whose client may still say goodbye. */
  private streamLostAt: number | undefined;
  /** How it is going to end when everything that has come has been handled. */
  private leaving: { readonly ending: Ending; readonly since: number } | undefined;
  /** How it ended while the hub was still greeting the client. */
  private endedEarly: Ending | undefined;
  private openedAt = 0;
  private readonly keepAlive: KeepAlive;
  /** When the socket was lost that the client may still replace. */
  private awaySince: number | undefined;
  private lastAckAt = 0;

  constructor(
    private readonly ticket: CoreTicket,
    request: CoreRequest,
    private readonly hubs: ConnectedHubs,
    private readonly options: CoreHubOptions,
    private readonly services: ProtocolServices,
    calls: CoreCalls,
    /** The hub protocols that clients may choose, by name. */
    private readonly protocols: ReadonlyMap<string, HubProtocol>,
    /** Called once, when the hub has been told of the end and nothing keeps the connection any more. */
    onForgotten: () => void,
  ) {
    const { connectionId } = ticket;
    super(request, { connectionId, options, outbox: services.options.outbox, services, onForgotten });
    this.keepAlive = new KeepAlive(options, services.options.clock);
    this.inbox = new Inbox(this, options);
    this.invocations = new Invocations(this, calls, options);
    this.handler = new MessageHandler(this, this.invocations, services.clientResults, this.keepAlive);
  }

  override refreshed(request: CoreRequest): void {
    super.refreshed(request);
    const event = { name: 'onAuthenticationRefreshed', args: [] } as const;
    this.hubs.raise(this, event, this.request).catch((error: unknown) => {
      const what = `onAuthenticationRefreshed of ${this.hubs.names.join(', ')} failed for connection ${this.id}`;
      HttpSession.logger.error(what, toError(error).stack);
    });
  }

  override get isStateful(): boolean {
    return this.buffer !== undefined;
  }

  override accepts({ hubs }: CoreRequest): boolean {
    return hubs === undefined || this.hubNames.every((name) => hubs.some((hub) => hub.name === name));
  }

  get hubNames(): readonly string[] {
    return this.hubs.names;
  }

  get isDeaf(): boolean {
    return this.ended || this.leaving !== undefined;
  }

  open(channel: Channel, request: HubRequest): void {
    this.attach(channel, request);
    this.state = State.Handshake;
    this.openedAt = this.now;
    this.readOn();
  }

  /**
   * The client has replaced its socket, which may still be there. It first gets what it has not
   * acknowledged, and sends the same itself (signalr-core §2.6).
   */
  override reopen(channel: Channel, request: HubRequest): void {
    const { buffer } = this;
    if (buffer === undefined) {
      super.reopen(channel, request);
      return;
    }
    if (this.channel !== undefined) {
      const { channel: replaced } = this;
      this.detach();
      replaced.destroy();
      this.inbox.cutOff(this.codec);
    }
    this.awaySince = undefined;
    this.attach(channel, request);
    this.keepAlive.heard();
    channel.send(this.codec.frames([this.codec.sequence(buffer.resumesAt), ...buffer.unacknowledged]));
    if (this.inbox.isFull) {
      channel.pause();
    }
    this.onWritable();
  }

  onData(data: Buffer): void {
    if (this.state !== State.Ending && this.leaving === undefined) {
      this.inbox.push(data);
    }
  }

  receive(data: Buffer): Promise<void> | undefined {
    this.onData(data);
    return this.isDeaf || this.state === State.Ending ? undefined : this.inbox.whenRoom();
  }

  readOn(): void {
    this.inbox.readOn();
    if (this.leaving !== undefined && !this.inbox.hasUnread) {
      void this.end(this.leaving.ending);
    }
  }

  /** What the client has said before it went is still heard, as far as the time for closing goes (signalr-core §2.2). */
  private endWhenRead(ending: Ending): Promise<void> {
    const { hasShakenHands } = this;
    if (hasShakenHands) {
      this.inbox.cutOff(this.codec);
    }
    if (!hasShakenHands || !this.inbox.hasUnread) {
      return this.end(ending);
    }
    this.leaving ??= { ending, since: this.now };
    this.inbox.end();
    return DONE;
  }

  /** What comes now is for the hubs. */
  private get hasShakenHands(): boolean {
    return this.state === State.Introduced || this.isAnswered;
  }

  /**
   * Clients take whatever comes first for the answer to their handshake: until then nothing else is said, and a goodbye is not
   * answered (signalr-core §1.10).
   */
  private get isAnswered(): boolean {
    return this.state === State.Connecting || this.state === State.Connected;
  }

  get canRead(): boolean {
    return this.state === State.Handshake || this.state === State.Connected;
  }

  take(message: Buffer): boolean {
    if (this.state === State.Handshake) {
      this.shakeHands(message.toString());
      return true;
    }
    return this.handler.take(this.codec.parse(message));
  }

  /** A connection that has ended hears nothing more. */
  retry(): boolean {
    return this.ended || this.handler.retry();
  }

  pauseReading(): void {
    this.channel?.pause();
  }

  resumeReading(): void {
    this.channel?.resume();
  }

  private shakeHands(text: string): void {
    const outcome = readHandshake(text, {
      protocols: this.protocols,
      transport: this.transport,
      withDetails: this.options.enableDetailedErrors,
    });
    if ('error' in outcome) {
      this.refuse(outcome.error);
      return;
    }
    this.codec = outcome.protocol;
    this.inbox.speak(this.codec);
    if (this.ticket.isStateful && outcome.version > 1 && this.transport === 'webSockets') {
      this.buffer = new MessageBuffer(this.options.statefulReconnectBufferSize);
    }
    this.state = State.Introduced;
    void recover(
      () => this.identify(),
      (error) => this.identifyFailed(error),
    );
  }

  private identify(): void | Promise<void> {
    return andThen(this.services.userIds.getUserId(this.request), (userId) => {
      this.userId = userId ?? undefined;
      return recover(
        () => this.connect(),
        (error) => this.connectFailed(error),
      );
    });
  }

  private identifyFailed(error: unknown): void {
    HttpSession.logger.error(`nobody knows who the user of connection ${this.id} is`, toError(error).stack);
    this.refuse(detailed(HANDSHAKE_FAILED, toError(error), this.options.enableDetailedErrors));
  }

  /** The order is that of signalr-core §3.4: the registry knows the connection before the hub greets it. */
  private connect(): void | Promise<void> {
    if (this.ended) {
      return undefined;
    }
    const { registry } = this.services;
    this.state = State.Connecting;
    this.outbox.push(handshakeAccepted(this.codec));
    const joined = andThen(registry.add(this, topicsOfHubs(this.hubNames, this.userId)), () =>
      registry.joinUserGroups(this),
    );
    return andThen(joined, () => this.greet());
  }

  private greet(): void | Promise<void> {
    const greeting = this.hubs.raise(this, { name: 'onConnected', args: [] }, this.request);
    return greeting === DONE ? this.greeted() : greeting.then(() => this.greeted());
  }

  private greeted(): void | Promise<void> {
    if (this.endedEarly !== undefined) {
      return andThen(this.sayGoodbye(this.endedEarly), () => undefined);
    }
    this.state = State.Connected;
    this.readOn();
    return undefined;
  }

  private connectFailed(error: unknown): void {
    HttpSession.logger.error(
      `onConnected of ${this.hubs.names.join(', ')} failed for connection ${this.id}`,
      toError(error).stack,
    );
    const text = detailed(CONNECTION_CLOSED, toError(error), this.options.enableDetailedErrors);
    this.finish(this.codec.close(text, false));
  }

  private refuse(error: string): void {
    this.finish(handshakeRefused(error));
  }

  closedByClient(error: string | undefined): void {
    void this.end({
      stopCalled: true,
      ...(error !== undefined && { error: new HubException(error) }),
      close: this.codec.close(undefined, false),
    });
  }

  send(message: CoreMessage): void {
    if (!this.ended) {
      this.outbox.push(message);
    }
  }

  override ask(call: ClientCall, timeout: number): Promise<ClientAnswer> {
    return this.services.clientResults.ask(this, this.hubs.addressed(call), timeout);
  }

  protected encode(envelope: Envelope): CoreMessage | undefined {
    return this.hubs.encode(envelope, this.codec);
  }

  override get canWrite(): boolean {
    return super.canWrite && this.buffer?.isFull !== true;
  }

  write(messages: readonly CoreMessage[]): void {
    const count = this.buffer?.keep(messages) ?? messages.length;
    if (count === messages.length) {
      this.channel?.send(this.codec.frames(messages));
      return;
    }
    this.channel?.send(this.codec.frames(messages.slice(0, count)));
    this.outbox.putBack(messages.slice(count));
  }

  onHeartbeat(now: number): void {
    if (this.isStuck(now)) {
      this.drop('send_timeout');
      return;
    }
    if (this.state === State.Ending || this.state === State.Unopened) {
      return;
    }
    if (!this.isAnswered) {
      if (now - this.openedAt >= this.options.handshakeTimeout) {
        this.refuse(HANDSHAKE_CANCELED);
      }
      return;
    }
    if (this.leaving !== undefined) {
      if (now - this.leaving.since >= this.options.closeTimeout) {
        void this.end(this.leaving.ending);
      }
      return;
    }
    if (this.hasLeft(now)) {
      void this.endWhenRead({ stopCalled: false });
      return;
    }
    if (this.isAwayTooLong(now)) {
      this.giveUp();
      return;
    }
    if (this.isExpired(now)) {
      void this.end({ stopCalled: false, close: this.codec.close(undefined, true) });
      return;
    }
    if (this.awaySince !== undefined) {
      return;
    }
    if (this.inbox.isStalled) {
      this.keepAlive.heard();
    }
    if (this.keepAlive.isOverdue(now)) {
      HEARTBEAT.debug(`connection ${this.id} is silent`);
      this.failed(
        namedError(
          'OperationCanceledException',
          `Client hasn't sent a message/ping within the configured ClientTimeoutInterval.`,
        ),
      );
      return;
    }
    this.giveSignOfLife(now);
  }

  /** True if the client has closed its event stream, and no goodbye has come. */
  private hasLeft(now: number): boolean {
    return this.streamLostAt !== undefined && now - this.streamLostAt >= GOODBYE_GRACE;
  }

  /** True if no socket has come in place of the one that was lost. */
  private isAwayTooLong(now: number): boolean {
    return this.awaySince !== undefined && now - this.awaySince >= this.options.disconnectTimeout;
  }

  /** Ends a connection to which the client has not returned; with it goes what it has not got. */
  private giveUp(): void {
    if (this.outbox.length > 0 || this.buffer?.isEmpty === false) {
      this.measured?.lostMessages('away_too_long');
    }
    void this.endWhenRead({ stopCalled: false, status: 'timeout' });
  }

  private giveSignOfLife(now: number): void {
    // A poll that returns is sign of life enough (signalr-core §2.4).
    if (!this.isPolling && this.keepAlive.takePing(now) && this.canWrite) {
      this.outbox.push(this.codec.ping);
    }
    if (this.buffer !== undefined && now - this.lastAckAt >= ACK_INTERVAL) {
      const sequenceId = this.buffer.takeAcknowledgement();
      if (sequenceId !== undefined) {
        this.lastAckAt = now;
        // Past the outbox: both ends may be waiting for each other's acknowledgement.
        this.channel?.send([this.codec.ack(sequenceId).frame]);
      }
    }
  }

  disconnect({ reason, allowReconnect }: DisconnectOptions): void {
    void this.end({ stopCalled: false, close: this.codec.close(reason, allowReconnect) });
  }

  messagesLost(): void {
    this.disconnect({ reason: MESSAGES_LOST, allowReconnect: true });
  }

  /** Ends with a Close that lets the client come back: to this server after a restart, or to another one. */
  shutDown(): Promise<void> {
    this.channel?.resume();
    return this.end({
      stopCalled: false,
      close: this.codec.close(undefined, true),
      status: 'app_shutdown',
    });
  }

  terminate(): Promise<void> {
    return this.endWhenRead({ stopCalled: true, close: this.codec.close(undefined, true) });
  }

  abandon(): void {
    void this.end({ stopCalled: false });
  }

  onEnd({ clean, error, timedOut }: ChannelEnd): void {
    const isStream = this.transport === 'serverSentEvents';
    this.channel = undefined;
    if (isStream && this.hasShakenHands) {
      this.streamLostAt = this.now;
      return;
    }
    if (this.buffer !== undefined && !clean && error === undefined) {
      this.awaySince = this.now;
      this.inbox.cutOff(this.codec);
      return;
    }
    void this.endWhenRead({
      stopCalled: clean,
      ...(error !== undefined && { error }),
      ...(timedOut === true && { status: 'timeout' }),
    });
  }

  /** The client broke the protocol, or was not heard of. */
  failed(error: Error): void {
    if (!this.isAnswered) {
      this.refuse(HANDSHAKE_CANCELED);
      return;
    }
    const text = detailed(CONNECTION_CLOSED, error, this.options.enableDetailedErrors);
    void this.end({ stopCalled: false, error, close: this.codec.close(text, true) });
  }

  /** Ends a connection that the hub does not know of, or does not accept. */
  private finish(last: CoreMessage): void {
    this.state = State.Ending;
    this.sendLast(last);
    if (this.markEnded()) {
      this.stopCalls();
      this.forget();
      this.closeChannel(NORMAL_CLOSURE);
    }
  }

  private async end(ending: Ending): Promise<void> {
    const { isAnswered } = this;
    const wasConnected = this.state === State.Connected;
    this.state = State.Ending;
    if (this.ended) {
      return;
    }
    this.sendLast(isAnswered ? ending.close : undefined);
    this.markEnded();
    this.stopCalls();
    // A hub that is still greeting the client is told as soon as it has done so.
    this.endedEarly = ending;
    const told = wasConnected ? this.sayGoodbye(ending) : NORMAL_CLOSURE;
    const code = isThenable(told) ? await told : told;
    this.forget(ending.status);
    this.closeChannel(code);
  }

  /** Nobody will answer, listen or send any more. */
  private stopCalls(): void {
    this.invocations.end();
    this.services.clientResults.gone(this);
  }

  /** Close is sent, the abort signal has fired, and only then the hub is told (signalr-core §6.8). */
  private sayGoodbye({ stopCalled, error }: Ending): number | Promise<number> {
    const args = error === undefined ? ([stopCalled] as const) : ([stopCalled, error] as const);
    const raised = this.hubs.raise(this, { name: 'onDisconnected', args }, this.request);
    if (raised === DONE) {
      return NORMAL_CLOSURE;
    }
    return raised.then(
      () => NORMAL_CLOSURE,
      (thrown: unknown) => {
        const what = `onDisconnected of ${this.hubs.names.join(', ')} failed for connection ${this.id}`;
        HttpSession.logger.error(what, toError(thrown).stack);
        return INTERNAL_ERROR;
      },
    );
  }

  private sendLast(message: CoreMessage | undefined): void {
    // Who has been told to go cannot return, and what waits for acknowledgement has no reason to any more.
    this.buffer = undefined;
    if (message !== undefined && !this.ended) {
      this.outbox.push(message);
    }
    this.outbox.flush();
    this.inbox.end();
  }
}
