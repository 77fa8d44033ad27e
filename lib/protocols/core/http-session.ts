import type { HttpConnectionOptions } from '../../common/core-options.js';
import { traceSource } from '../../common/trace.js';
import { Connection } from '../../connections/connection.js';
import {
  type ConnectionStatus,
  MeasuredConnection,
  type MessageLoss,
} from '../../connections/connection-metrics.js';
import type { OutboxItem, OutboxLimits } from '../../connections/outbox.js';
import type { Topic } from '../../messaging/topics.js';
import type { Channel } from '../../transports/channel.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { ProtocolServices } from '../endpoint.js';
import type { CoreRequest } from './request.js';

/** Close codes of RFC 6455. */
export const NORMAL_CLOSURE = 1000;
export const INTERNAL_ERROR = 1011;

/** What a session is made with, whatever its client says. */
export interface HttpSessionSetting {
  readonly connectionId: string;
  readonly options: HttpConnectionOptions;
  readonly outbox: OutboxLimits;
  readonly services: ProtocolServices;
  /** Called once, when nothing keeps the connection any more. */
  readonly onForgotten: () => void;
}

/**
 * The session of a Core client as HTTP sees it: requests open it, post to it and end it, and bytes go through a channel.
 * What the bytes mean is the affair of those who extend it.
 */
export abstract class HttpSession<T extends OutboxItem = OutboxItem> extends Connection<T> {
  readonly protocol = 'core';
  protected static readonly logger = traceSource('SignalR.Connection');
  /** Nobody measures, nothing is kept. */
  protected readonly measured: MeasuredConnection | undefined;
  /** When the authentication of its last request expires, by the wall clock. */
  private expiresAt: number | undefined;

  protected constructor(
    request: CoreRequest,
    private readonly setting: HttpSessionSetting,
  ) {
    super(setting.connectionId, request, setting.outbox);
    const { metrics, options } = setting.services;
    if (metrics !== undefined) {
      this.measured = new MeasuredConnection(metrics, this.protocol, options.clock);
    }
    this.authenticated(request);
  }

  /** True once nothing more is taken of the client. */
  abstract readonly isDeaf: boolean;

  /** False for a request that must not reach this connection, although it is of the same user. */
  accepts(_request: CoreRequest): boolean {
    return true;
  }

  /** True if the client may replace its socket. */
  get isStateful(): boolean {
    return false;
  }

  /** Starts to listen to the client. @param request what the application gets to see for as long as the connection lives. */
  abstract open(channel: Channel, request: HubRequest): void;

  /** The client of a stateful connection has replaced its socket; others cannot. */
  reopen(channel: Channel, _request: HubRequest): void {
    channel.end(NORMAL_CLOSURE);
  }

  /** Takes in a part of a POST; what it returns resolves when there is room for the next one (signalr-core §1.9). */
  abstract receive(data: Buffer): Promise<void> | undefined;

  /** The client says goodbye by DELETE (signalr-core §1.10). */
  abstract terminate(): Promise<void>;

  /** Ends without a word: there is nobody to say one to. */
  abstract abandon(): void;

  /** A request of the client was let through: its authentication is what counts from now on. */
  authenticated(request: CoreRequest): void {
    this.latestUser = request.user;
    this.expiresAt = request.expiresAt;
    this.adoptToken(request);
  }

  /**
   * Another request of the client was let through. Guards that look at the token on every call find the latest one: the first
   * expires, however often the client brings a new one.
   */
  adoptToken({ headers: { authorization } }: CoreRequest): void {
    if (authorization !== undefined) {
      this.request.headers.authorization = authorization;
    }
  }

  /** The client has brought a new token by itself (signalr-core appendix B). */
  refreshed(request: CoreRequest): void {
    this.authenticated(request);
    this.request.user = request.user;
  }

  takenAway(): void {
    this.abandon();
  }

  joinGroup(topic: Topic): void | Promise<void> {
    return this.setting.services.registry.join(this, topic);
  }

  leaveGroup(topic: Topic): void {
    this.setting.services.registry.leave(this, topic);
  }

  overflowed(): void {
    HttpSession.logger.warn(
      `connection ${this.id} does not read: more than the outbox holds was waiting for it`,
    );
    this.drop('outbox_full');
  }

  dropped(count: number): void {
    HttpSession.logger.debug(`connection ${this.id} does not read: ${count} message(s) left out`);
  }

  protected get now(): number {
    return this.setting.services.options.clock.now();
  }

  protected get isPolling(): boolean {
    return this.channel?.transport === 'longPolling';
  }

  /** True if the peer has not taken anything for too long (signalr-core §2.1). */
  protected isStuck(now: number): boolean {
    // Between two polls there is nobody who could take anything; the channel looks after its polls itself.
    return !this.isPolling && this.blockedFor(now) >= this.setting.options.transportSendTimeout;
  }

  /** Tokens know the time of the wall clock, tests move it with their own (signalr-core §4.11). */
  protected isExpired(now: number): boolean {
    return (
      this.setting.options.closeOnAuthenticationExpiration &&
      this.expiresAt !== undefined &&
      performance.timeOrigin + now >= this.expiresAt
    );
  }

  protected attach(channel: Channel, request: HubRequest): void {
    this.request = request;
    this.channel = channel;
    channel.owner = this;
    this.measured?.opened(channel.transport);
  }

  protected detach(): void {
    if (this.channel !== undefined) {
      this.channel.owner = undefined;
      this.channel = undefined;
    }
  }

  /** The peer takes nothing more: there is nobody to say goodbye to. */
  protected drop(reason: MessageLoss): void {
    const { channel } = this;
    this.measured?.lostMessages(reason);
    this.detach();
    channel?.destroy();
    this.abandon();
  }

  protected closeChannel(code: number): void {
    // A polling client comes for what is left; from others it is taken away.
    if (this.isPolling) {
      this.outbox.drain();
    }
    this.outbox.clear();
    const { channel } = this;
    this.detach();
    channel?.end(code);
  }

  /** @param status how it has ended, for those who measure. */
  protected forget(status: ConnectionStatus = 'normal_closure'): void {
    this.setting.services.registry.remove(this);
    this.measured?.closed(status);
    this.setting.onForgotten();
  }
}
