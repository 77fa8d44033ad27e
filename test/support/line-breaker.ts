import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { TestApp } from './app.js';

const DEADLINE = 5_000;

/** Stands in for a bad network between an application and its clients. */
export class LineBreaker {
  private readonly sockets = new Set<Socket>();
  /** The requests that wait for the end of their answer, and what their sockets had written before they came. */
  private readonly answering = new Map<ServerResponse, { readonly url: string; readonly before: number }>();
  private readonly server: Server;

  constructor({ app }: Pick<TestApp, 'app'>) {
    this.server = app.getHttpServer() as Server;
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server.prependListener('request', ({ url = '' }: IncomingMessage, response: ServerResponse) => {
      this.answering.set(response, { url, before: written(response) });
      response.on('close', () => this.answering.delete(response));
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
    return [...this.answering.values()].some(({ url }) => url.includes(text));
  }

  /** The same, but only if some of the answer has left: without it, browsers send a request again by themselves. */
  hasBegunToAnswer(text: string): boolean {
    return [...this.answering].some(
      ([response, { url, before }]) => url.includes(text) && written(response) > before,
    );
  }

  /** Resolves when a request whose url contains a text waits for the end of its answer. */
  untilHolds(text: string): Promise<void> {
    return this.until(() => this.holds(text), `no request with ${text} is held`);
  }

  /** Resolves when no such request waits. */
  untilFree(text: string): Promise<void> {
    return this.until(() => !this.holds(text), `a request with ${text} is still held`);
  }

  private async until(condition: () => boolean, complaint: string): Promise<void> {
    const deadline = performance.now() + DEADLINE;
    while (!condition()) {
      if (performance.now() > deadline) {
        throw new Error(complaint);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Counts some of the requests from now on. */
  count(condition: (request: IncomingMessage) => boolean): () => number {
    let counted = 0;
    this.server.prependListener('request', (request: IncomingMessage) => {
      counted += condition(request) ? 1 : 0;
    });
    return () => counted;
  }

  /** From now on some requests are refused before the application sees them. */
  refuse(condition: (request: IncomingMessage) => boolean): void {
    const listeners = this.server.listeners('request') as ((...args: unknown[]) => void)[];
    this.server.removeAllListeners('request');
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (condition(request)) {
        response.writeHead(502).end();
        return;
      }
      for (const listener of listeners) {
        listener.call(this.server, request, response);
      }
    });
  }

  /** From now on upgrades are refused before the application sees them, as some proxies do. */
  refuseUpgrades(): void {
    this.server.removeAllListeners('upgrade');
    this.server.on('upgrade', (_request, socket: Duplex) => {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
  }
}

const written = ({ socket }: ServerResponse): number => socket?.bytesWritten ?? 0;
