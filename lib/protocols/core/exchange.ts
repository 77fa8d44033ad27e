import type { IncomingMessage, ServerResponse } from 'node:http';

import type { RelayedExchange } from '../../connections/relay/relayed-exchange.js';
import type { Channel, LastingChannel } from '../../transports/channel.js';
import { bodyChunks, respondWithoutUpgrade } from '../../transports/http.js';
import type { PollResponse } from '../../transports/poll-sequence.js';
import { StreamChannel } from '../../transports/stream-channel.js';
import type { UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { eventStreamFormat } from './formats.js';

/** What clients ask of a connection. */
export type CoreOperation = 'socket' | 'stream' | 'poll' | 'post' | 'delete' | 'refresh';

/** What a request brings, and what it can be answered by besides a plain answer; wherever its client is connected. */
export interface CoreExchange {
  /** True once the client has left. */
  readonly isGone: boolean;
  body(): AsyncIterable<Buffer>;
  /** For a poll, which is answered later. */
  response(): PollResponse;
  openStream(): LastingChannel;
  /** Calls back at once, unless the request turns out to be no proper upgrade. */
  openSocket(opened: (channel: Channel) => void): void;
}

/** The request of a client of this node. */
export class LocalExchange implements CoreExchange {
  private constructor(
    private readonly request: IncomingMessage,
    /** Undefined for an upgrade that stays one. */
    private readonly plainResponse: ServerResponse | undefined,
    private readonly upgrade: UpgradeRequest | undefined,
    private readonly acceptor: WebSocketAcceptor,
  ) {}

  static of(request: IncomingMessage, response: ServerResponse, acceptor: WebSocketAcceptor): LocalExchange {
    return new LocalExchange(request, response, undefined, acceptor);
  }

  static ofUpgrade(upgrade: UpgradeRequest, acceptor: WebSocketAcceptor): LocalExchange {
    return new LocalExchange(upgrade.request, undefined, upgrade, acceptor);
  }

  /** What the client is connected by. */
  get line(): ServerResponse | UpgradeRequest['socket'] {
    return this.plainResponse ?? (this.upgrade as UpgradeRequest).socket;
  }

  get isGone(): boolean {
    return this.line.destroyed;
  }

  body(): AsyncIterable<Buffer> {
    return bodyChunks(this.request);
  }

  response(): ServerResponse {
    return this.plainResponse as ServerResponse;
  }

  openStream(): LastingChannel {
    const response = this.plainResponse ?? asStream(this.upgrade as UpgradeRequest);
    return new StreamChannel('serverSentEvents', response, eventStreamFormat);
  }

  openSocket(opened: (channel: Channel) => void): void {
    this.acceptor.accept(this.upgrade as UpgradeRequest, opened);
  }
}

/** The request of a client of another node. */
export class RelayedCoreExchange implements CoreExchange {
  readonly isGone = false;

  constructor(private readonly relayed: RelayedExchange) {}

  body(): AsyncIterable<Buffer> {
    return this.relayed.body();
  }

  response(): PollResponse {
    return this.relayed.response();
  }

  openStream(): LastingChannel {
    return this.relayed.openChannel('serverSentEvents');
  }

  openSocket(opened: (channel: Channel) => void): void {
    opened(this.relayed.openChannel('webSockets'));
  }
}

/** A request that asks for an event stream is one, even if it asks for an upgrade too (signalr-core §1.6). */
function asStream({ request, socket }: UpgradeRequest): ServerResponse {
  const response = respondWithoutUpgrade(request, socket);
  // Nothing reads such a socket any more, and only who reads learns that the peer has left.
  socket.once('end', () => socket.destroy());
  socket.resume();
  return response;
}
