import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';

import type { Clock } from '../common/clock.js';
import { WebSocketChannel } from './websocket-channel.js';

/** A request to become a WebSocket, not yet answered. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** What a WebSocket server is made with. */
export interface WebSocketServerOptions {
  /** Largest message in bytes; 0 for no limit. A larger one closes the socket with 1009. */
  readonly maxPayload: number;
  /** How long, in milliseconds, a close waits for the peer's answer. */
  readonly closeTimeout: number;
}

/** Makes WebSocket servers; the application's WebSocket adapter is behind it. */
export type CreateWebSocketServer = (options: WebSocketServerOptions) => WebSocketServer;

/** Accepts upgrades with limits of its own. */
export class WebSocketAcceptor {
  private readonly server: WebSocketServer;

  constructor(create: CreateWebSocketServer, options: WebSocketServerOptions) {
    this.server = create(options);
  }

  /** Answers 101 and hands over the open channel; an invalid upgrade is refused by `ws` itself. */
  accept({ request, socket, head }: UpgradeRequest, opened: (channel: WebSocketChannel) => void): void {
    this.server.handleUpgrade(request, socket, head, (webSocket) =>
      opened(new WebSocketChannel(webSocket, socket)),
    );
  }

  /** Resolves when all sockets have closed; those that have not after `grace` milliseconds are dropped. */
  async close(grace: number, clock: Clock): Promise<void> {
    const cancel = clock.after(grace, () => {
      for (const webSocket of this.server.clients) {
        webSocket.terminate();
      }
    });
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    cancel();
  }
}
