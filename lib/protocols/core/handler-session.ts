import { StringDecoder } from 'node:string_decoder';

import { toError } from '../../common/errors.js';
import { DONE, isThenable } from '../../common/promises.js';
import type { RunningCall } from '../../connections/connection.js';
import type { ConnectionStatus } from '../../connections/connection-metrics.js';
import type { OutboxItem } from '../../connections/outbox.js';
import { ConnectionContext, type RawConnection } from '../../connection-handlers/connection-context.js';
import type { ConnectionHandlerDescriptor } from '../../connection-handlers/connection-handler-host.js';
import type { Channel, ChannelEnd } from '../../transports/channel.js';
import { Frame } from '../../transports/frame.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ProtocolServices } from '../endpoint.js';
import { HttpSession, INTERNAL_ERROR, NORMAL_CLOSURE } from './http-session.js';
import { ReceiveQueue } from './receive-queue.js';
import type { CoreRequest } from './request.js';
import type { CoreTicket } from './tokens.js';

/** Close code of RFC 6455 of a server that stops: nothing else can tell clients to come back. */
const GOING_AWAY = 1001;

/** A method of the handler that takes its time. Nobody waits for its outcome, so there is nothing to cancel. */
const RUNNING: RunningCall = { invocationId: undefined, cancel: () => undefined };

type Handler = ConnectionHandlerDescriptor['instance'];

/** The session of one client of a connection handler: what it sends goes to the handler as it comes. */
export class HandlerConnection extends HttpSession implements RawConnection {
  readonly hubNames: readonly string[] = [];
  private readonly context = new ConnectionContext(this);
  private readonly received: ReceiveQueue;
  /** Puts characters together that arrive in pieces; undefined if the handler wants bytes. */
  private readonly decoder: StringDecoder | undefined;
  /** Resolves when the handler has been told of the end; undefined until it is told of the beginning. */
  private life: Promise<void> | undefined;
  /** When the client went, while what it sent before is still being read. */
  private leftAt: number | undefined;
  /** What the handler's `onDisconnected` gets to know. */
  private failure: Error | undefined;
  /** How it has ended, for those who measure. */
  private status: ConnectionStatus = 'normal_closure';

  constructor(
    { connectionId }: CoreTicket,
    request: CoreRequest,
    private readonly descriptor: ConnectionHandlerDescriptor,
    private readonly services: ProtocolServices,
    onForgotten: () => void,
  ) {
    const { options } = descriptor;
    const outbox = { ...options.outbox, policy: 'close' } as const;
    super(request, { connectionId, options, outbox, services, onForgotten });
    this.received = new ReceiveQueue(this, options.applicationMaxBufferSize);
    this.decoder = options.transferFormat === 'Text' ? new StringDecoder('utf8') : undefined;
  }

  override get path(): string {
    return this.descriptor.path;
  }

  get isDeaf(): boolean {
    return this.ended || this.leftAt !== undefined;
  }

  open(channel: Channel, request: HubRequest): void {
    this.attach(channel, request);
    this.life = this.live();
  }

  onData(data: Buffer): void {
    if (!this.isDeaf) {
      this.received.push(data);
    }
  }

  receive(data: Buffer): Promise<void> | undefined {
    this.onData(data);
    return this.isDeaf ? undefined : this.received.whenRoom();
  }

  pauseReading(): void {
    this.channel?.pause();
  }

  resumeReading(): void {
    this.channel?.resume();
  }

  sendData(data: string | Uint8Array): Promise<void> {
    if (this.ended || this.channel === undefined || data.length === 0) {
      return DONE;
    }
    this.outbox.push({ data: this.inFormat(data), droppable: false });
    const hasRoom = this.outbox.waitingBytes < (this.descriptor.options.transportMaxBufferSize || Infinity);
    return (hasRoom ? undefined : this.whenWritable()) ?? DONE;
  }

  override onWritable(): void {
    super.onWritable();
    // A poll takes everything, and can be written to no longer.
    if (this.outbox.length === 0) {
      this.wakeSources();
    }
  }

  write(items: readonly OutboxItem[]): void {
    this.channel?.send(items.map(({ data }) => new Frame(data)));
  }

  close(): void {
    this.end(NORMAL_CLOSURE);
  }

  disconnect(): void {
    this.end(NORMAL_CLOSURE);
  }

  abandon(): void {
    this.end(NORMAL_CLOSURE);
  }

  async shutDown(): Promise<void> {
    this.status = 'app_shutdown';
    this.end(GOING_AWAY);
    await this.life;
  }

  async terminate(): Promise<void> {
    this.endWhenRead();
    await this.life;
  }

  onEnd({ error, timedOut }: ChannelEnd): void {
    this.channel = undefined;
    this.failure = error;
    this.status = timedOut === true ? 'timeout' : this.status;
    // Who waits for the peer to take more waits in vain.
    this.wakeSources();
    this.endWhenRead();
  }

  onHeartbeat(now: number): void {
    if (this.life === undefined || this.ended) {
      return;
    }
    if (this.isStuck(now)) {
      this.drop('send_timeout');
    } else if (this.isExpired(now) || now - (this.leftAt ?? now) >= this.descriptor.options.closeTimeout) {
      this.end(NORMAL_CLOSURE);
    }
  }

  /** It is sent nothing that could be lost on the way between nodes. */
  messagesLost(): void {}

  /** Messages of hubs and persistent connections are none of it. */
  protected encode(): undefined {
    return undefined;
  }

  /** One thing after another: the handler is told of the beginning, of what comes, and of the end. */
  private async live(): Promise<void> {
    if (await this.greet()) {
      for (let data = await this.received.next(); data !== undefined; data = await this.received.next()) {
        await this.hand(data);
      }
      this.end(NORMAL_CLOSURE);
      await this.run('onDisconnected', (handler) => handler.onDisconnected(this.context, this.failure));
    }
    this.forget(this.status);
  }

  /** @returns false if the connection has come to nothing. */
  private async greet(): Promise<boolean> {
    const error = await this.run('onConnected', async (handler) => {
      const { registry, userIds } = this.services;
      this.userId = (await userIds.getUserId(this.request)) ?? undefined;
      await registry.add(this, []);
      await handler.onConnected(this.context);
    });
    if (error !== undefined) {
      this.end(INTERNAL_ERROR);
    }
    return error === undefined;
  }

  private async hand(data: Buffer): Promise<void> {
    const piece = this.decoder?.write(data) ?? data;
    if (piece.length === 0) {
      // A part of a character, whose rest has yet to come.
      return;
    }
    const error = await this.run('onReceived', (handler) => handler.onReceived(this.context, piece));
    if (error !== undefined) {
      this.failure ??= error;
      this.end(INTERNAL_ERROR);
    }
  }

  /** Runs a method of the handler. Never rejects. @returns what it threw, which has been logged */
  private async run(method: string, call: (handler: Handler) => unknown): Promise<Error | undefined> {
    const { instance, type } = this.descriptor;
    try {
      const running = call(instance);
      if (isThenable(running)) {
        await this.busyWith(running);
      }
      return undefined;
    } catch (thrown) {
      const error = toError(thrown);
      HttpSession.logger.error(`${method} of ${type.name} failed for connection ${this.id}`, error.stack);
      return error;
    }
  }

  private async busyWith(running: PromiseLike<unknown>): Promise<void> {
    this.callBegan(RUNNING);
    try {
      await running;
    } finally {
      this.callReturned();
      this.callEnded(RUNNING);
    }
  }

  /** What the client has sent before it went is still read, as far as the time for closing goes (signalr-core §2.2). */
  private endWhenRead(): void {
    if (this.isDeaf) {
      return;
    }
    if (this.received.isEmpty) {
      this.end(NORMAL_CLOSURE);
      return;
    }
    this.leftAt = this.now;
    this.received.end();
  }

  /** Everything that was sent goes before the end, also where the client does not take it now. */
  private end(code: number): void {
    if (this.ended) {
      return;
    }
    this.outbox.drain();
    this.markEnded();
    this.received.discard();
    // A socket that is not read would not show the answer to its close frame.
    this.channel?.resume();
    this.closeChannel(code);
    if (this.life === undefined) {
      this.forget(this.status);
    }
  }

  /** Bytes are copied: what becomes of them afterwards is the sender's affair. */
  private inFormat(data: string | Uint8Array): string | Buffer {
    if (this.descriptor.options.transferFormat === 'Text') {
      return typeof data === 'string' ? data : Buffer.from(data).toString();
    }
    return Buffer.from(data);
  }
}
