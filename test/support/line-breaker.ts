import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { TestApp } from './app.js';

/** Stands in for a bad network between an application and its clients. */
export class LineBreaker {
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<string>();
  private readonly server: Server;

  constructor({ app }: Pick<TestApp, 'app'>) {
    this.server = app.getHttpServer() as Server;
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server.prependListener('request', ({ url = '' }: IncomingMessage, response: ServerResponse) => {
      this.answering.add(url);
      response.on('close', () => this.answering.delete(url));
    });
  }

  /** Breaks every line that is open, whatever it carries. */
  breakAll(): void {
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  /** True while a request whose url contains a text waits for the end of its answer. */
  holds(text: string): boolean {
    return [...this.answering].some((url) => url.includes(text));
  }

  /** From now on upgrades are refused before the application sees them, as some proxies do. */
  refuseUpgrades(): void {
    this.server.removeAllListeners('upgrade');
    this.server.on('upgrade', (_request, socket: Duplex) => {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
  }
}
