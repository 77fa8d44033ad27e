import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { WsAdapter } from '@nestjs/platform-ws';
import type { WebSocketServer } from 'ws';

import { refuseUpgrade, respondWithoutUpgrade } from '../transports/http.js';
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
    this.leaveOtherUpgradesAlone();
  }

  /**
   * Some HTTP clients ask for HTTP/2 (`Upgrade: h2c`) with their first request and are content without. Node hands such
   * requests to upgrade listeners as soon as there is one, so importing this module must not make them fail. Newer
   * versions of Node can be told not to.
   */
  private leaveOtherUpgradesAlone(): void {
    const server = this.server as Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };
    if (server.shouldUpgradeCallback !== undefined && this.others.length === 0) {
      server.shouldUpgradeCallback = asksForWebSocket;
    }
  }

  /** Answers a request as if it had not asked for an upgrade. Node has not read its body, so it must not have one. */
  private serveWithoutUpgrade(request: IncomingMessage, socket: Socket): void {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
    if (hasBody) {
      refuseUpgrade(socket, { status: 400 });
      return;
    }
    this.server.emit('request', request, respondWithoutUpgrade(request, socket));
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
    if (this.others.length === 0 && !asksForWebSocket(request)) {
      this.serveWithoutUpgrade(request, socket as Socket);
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

/** True for upgrades that this adapter, or another WebSocket server, may be meant for. */
function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

function ignore(): void {
  // `ws` reports what happens to sockets that it has accepted; before that there is nothing to report.
}
