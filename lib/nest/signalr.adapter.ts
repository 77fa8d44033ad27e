import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { WsAdapter } from '@nestjs/platform-ws';
import type { WebSocketServer } from 'ws';

import { refuseUpgrade } from '../transports/http.js';
import type { UpgradeRequest, WebSocketServerOptions } from '../transports/upgrade.js';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Serves an upgrade request if it is for a hub; false if it is not. */
export type ServeUpgrade = (upgrade: UpgradeRequest) => boolean;

const HTTP_SERVER_PORT = 0;

/**
 * Brings the WebSockets of hubs to the HTTP server of the application, on the `ws` of `@nestjs/platform-ws`.
 *
 * `WsAdapter` destroys upgrades whose path it does not know, and any other listener on the server may do the same. So
 * this adapter stands in front of all of them: hubs come first, and what is not theirs goes to the listeners that were
 * there. Gateways keep working, whatever adapter they use.
 */
export class SignalRAdapter extends WsAdapter {
  private readonly others: UpgradeListener[] = [];

  constructor(
    private readonly server: Server,
    private readonly serve: ServeUpgrade,
  ) {
    super(server);
  }

  /** A WebSocket server for hubs, without a path: this adapter decides what reaches it. */
  createHubServer(options: WebSocketServerOptions): WebSocketServer {
    return this.create(HTTP_SERVER_PORT, {
      ...options,
      perMessageDeflate: false,
    }) as unknown as WebSocketServer;
  }

  /** Puts itself in front of the listeners that are there now. Safe to call again when others may have been added. */
  takeOver(): void {
    for (const listener of this.server.listeners('upgrade') as UpgradeListener[]) {
      if (listener !== this.onUpgrade) {
        this.server.off('upgrade', listener);
        this.others.push(listener);
      }
    }
    if (!this.server.listeners('upgrade').includes(this.onUpgrade)) {
      this.server.on('upgrade', this.onUpgrade);
    }
  }

  /** Hub servers need no listener of their own. */
  protected override ensureHttpServerExists(port: number, httpServer?: Server): Server | undefined {
    if (httpServer !== undefined) {
      this.httpServersRegistry.set(port, httpServer);
    }
    return httpServer;
  }

  private readonly onUpgrade: UpgradeListener = (request, socket, head) => {
    // A peer that breaks off while its request is being checked must not end the process.
    socket.on('error', ignore);
    if (this.serve({ request, socket, head })) {
      return;
    }
    if (this.others.length === 0) {
      // Nobody else will answer: an unanswered socket would stay open for ever.
      refuseUpgrade(socket, { status: 404 });
      return;
    }
    socket.off('error', ignore);
    for (const listener of this.others) {
      listener.call(this.server, request, socket, head);
    }
  };
}

function ignore(): void {
  // `ws` reports what happens to sockets that it has accepted; before that there is nothing to report.
}
