import type { Clock } from '../../common/clock.js';
import { DONE } from '../../common/promises.js';
import type { CoreTransport, HttpConnectionOptions } from '../../common/core-options.js';
import { userName } from '../../hubs/user-id-provider.js';
import type { Channel, LastingChannel } from '../../transports/channel.js';
import type { HubRequest } from '../../transports/hub-request.js';
import { type PollResponse, PollSequence } from '../../transports/poll-sequence.js';
import { pollFormat } from './formats.js';
import type { HttpSession } from './http-session.js';
import type { CoreRequest } from './request.js';

/** What an {@link HttpConnection} needs of its surroundings. */
export interface HttpConnectionSetting {
  readonly options: HttpConnectionOptions;
  readonly clock: Clock;
  /** When the client must have opened a channel, on the scale of the clock. */
  readonly openUntil: number;
  /** Called once, when no request will find anything here any more. */
  readonly onGone: () => void;
}

/**
 * What HTTP knows of a connection, from the first request that needs it to the last: its transport, its user, and the
 * order of what is posted. It outlives the session where a client has yet to collect the last words.
 */
export class HttpConnection {
  /** Fixed by the first GET. */
  transport: CoreTransport | undefined;
  /** True once the client has said goodbye: no request of it finds the connection again. */
  isTerminated = false;
  private readonly user: string | undefined;
  private posted: Promise<unknown> = DONE;
  private polls: PollSequence | undefined;
  /** An event stream, until it has closed. */
  private stream: LastingChannel | undefined;
  private endedAt: number | undefined;
  private isGone = false;

  constructor(
    readonly session: HttpSession,
    request: HubRequest,
    private readonly setting: HttpConnectionSetting,
  ) {
    this.user = userName(request.user);
  }

  /** False for a request of somebody else: a token alone does not open a connection (signalr-core §11.4). */
  belongsTo(request: CoreRequest): boolean {
    return userName(request.user) === this.user && this.session.accepts(request);
  }

  /** True if a GET over the transport that it is bound to finds somebody there. */
  get isAttachable(): boolean {
    return this.transport === 'LongPolling' ? this.polls !== undefined : !this.session.ended;
  }

  openSocket(channel: Channel, request: HubRequest): void {
    if (this.transport === undefined) {
      this.transport = 'WebSockets';
      this.session.open(channel, request);
    } else {
      this.session.reopen(channel, request);
    }
  }

  openStream(channel: LastingChannel, request: HubRequest): void {
    this.transport = 'ServerSentEvents';
    this.stream = channel;
    void channel.whenClosed.then(() => {
      this.stream = undefined;
      this.settle();
    });
    this.session.open(channel, request);
  }

  /** The first poll opens the session and is answered at once; the others are held (signalr-core §2.4). */
  poll(response: PollResponse, request: HubRequest): void {
    if (this.polls !== undefined) {
      this.polls.take(response);
      return;
    }
    this.transport = 'LongPolling';
    const { options, clock } = this.setting;
    this.polls = new PollSequence(
      pollFormat,
      {
        pollTimeout: options.pollTimeout,
        disconnectTimeout: options.disconnectTimeout,
        sendTimeout: options.transportSendTimeout,
      },
      clock,
      () => {
        this.polls = undefined;
        this.settle();
      },
    );
    this.polls.begin(response);
    this.session.open(this.polls, request);
  }

  /**
   * Takes the body of a POST when those before it have been taken, as fast as the session reads.
   *
   * @returns false if the connection ended before all of it was taken.
   */
  post(body: AsyncIterable<Buffer>): Promise<boolean> {
    const taken = this.posted.then(() => this.take(body));
    this.posted = taken.catch(() => undefined);
    return taken;
  }

  private async take(body: AsyncIterable<Buffer>): Promise<boolean> {
    if (this.session.isDeaf) {
      return false;
    }
    for await (const chunk of body) {
      if (this.session.isDeaf) {
        return false;
      }
      await this.session.receive(chunk);
    }
    return true;
  }

  /** The client has asked for the end by DELETE; it need not wait until the hub has been told. */
  terminate(): void {
    this.isTerminated = true;
    void this.session.terminate();
    this.polls?.expectNoMore();
  }

  /** The session has ended, and its hub has been told. */
  sessionForgotten(): void {
    this.endedAt = this.setting.clock.now();
    // The session closes its channel right after this.
    queueMicrotask(() => this.settle());
  }

  onHeartbeat(now: number): void {
    this.session.onHeartbeat(now);
    this.polls?.onHeartbeat(now);
    if (this.transport === undefined && now >= this.setting.openUntil) {
      this.session.abandon();
    }
    if (this.endedAt !== undefined && now - this.endedAt >= this.setting.options.closeTimeout) {
      this.stream?.destroy();
    }
  }

  /** Drops what a client has not taken; the application ends. */
  destroy(): void {
    this.stream?.destroy();
    this.polls?.destroy();
  }

  private settle(): void {
    const isClosed = this.polls === undefined && this.stream === undefined;
    if (this.endedAt !== undefined && isClosed && !this.isGone) {
      this.isGone = true;
      this.setting.onGone();
    }
  }
}
