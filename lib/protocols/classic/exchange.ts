import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { ClassicTransport } from '../../common/options.js';
import type { RelayedExchange } from '../../connections/relay/relayed-exchange.js';
import type { Channel } from '../../transports/channel.js';
import type { HttpAnswer } from '../../transports/http.js';
import { PollChannel } from '../../transports/poll-channel.js';
import { StreamChannel } from '../../transports/stream-channel.js';
import type { UpgradeRequest, WebSocketAcceptor } from '../../transports/upgrade.js';
import { rejection } from './admission.js';
import { eventStreamFormat, foreverFrameFormat, pollFormat } from './formats.js';
import type { ClassicRequest } from './request.js';

/** What a request can be answered by besides a plain answer, wherever its client is connected. */
export interface ClassicExchange {
  /** The answer to a request that does not do for its transport; undefined if it does. */
  complaint(transport: ClassicTransport): HttpAnswer | undefined;
  /**
   * Opens the channel, once there is no complaint. Calls back at once, unless the request turns out to be no proper upgrade.
   *
   * @throws BadClassicRequest before anything is written, if the request lacks what the transport needs.
   */
  open(transport: ClassicTransport, opened: (channel: Channel) => void): void;
}

/** The request of a client of this node. */
export class LocalExchange implements ClassicExchange {
  constructor(
    private readonly classic: ClassicRequest,
    private readonly response: ServerResponse | undefined,
    private readonly upgrade: UpgradeRequest | undefined,
    private readonly callback: string | undefined,
    private readonly acceptor: WebSocketAcceptor,
  ) {}

  /** What the client is connected by. */
  get line(): ServerResponse | Duplex {
    return this.response ?? (this.upgrade as UpgradeRequest).socket;
  }

  /** True for a request that asks for a WebSocket, which has no body. */
  get isUpgrade(): boolean {
    return this.response === undefined;
  }

  complaint(transport: ClassicTransport): HttpAnswer | undefined {
    if (transport === 'webSockets') {
      return this.upgrade === undefined ? rejection(400, 'Not a valid web socket request.') : undefined;
    }
    return this.response === undefined ? rejection(400, 'Protocol error: Unknown transport.') : undefined;
  }

  open(transport: ClassicTransport, opened: (channel: Channel) => void): void {
    if (transport === 'webSockets') {
      this.acceptor.accept(this.upgrade as UpgradeRequest, opened);
    } else {
      opened(this.openResponse(transport, this.response as ServerResponse));
    }
  }

  private openResponse(
    transport: Exclude<ClassicTransport, 'webSockets'>,
    response: ServerResponse,
  ): Channel {
    switch (transport) {
      case 'serverSentEvents':
        return new StreamChannel(transport, response, eventStreamFormat);
      case 'foreverFrame':
        return new StreamChannel(transport, response, foreverFrameFormat(this.classic.query.get('frameId')));
      case 'longPolling':
        return new PollChannel(response, pollFormat(this.callback));
    }
  }
}

/** The request of a client of another node, which has found it good. */
export class RelayedClassicExchange implements ClassicExchange {
  constructor(private readonly relayed: RelayedExchange) {}

  complaint(): undefined {
    return undefined;
  }

  open(transport: ClassicTransport, opened: (channel: Channel) => void): void {
    opened(this.relayed.openChannel(transport));
  }
}
