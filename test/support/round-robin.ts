import { createServer, request as send, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Where requests go. */
interface Target {
  readonly hostname: string;
  readonly port: number;
}

/**
 * A load balancer that knows no clients: every request goes to the next server, upgrades included. It breaks a line when
 * either end does.
 */
export class RoundRobin {
  /** The servers that requests have gone to, by index, with method and path. */
  readonly served: { readonly server: number; readonly method: string; readonly path: string }[] = [];
  private readonly sockets = new Set<Duplex>();
  private readonly down = new Set<number>();
  private next = 0;

  private constructor(
    private readonly server: Server,
    private readonly targets: readonly Target[],
    readonly url: string,
  ) {
    server.on('connection', (socket: Socket) => this.keep(socket));
    server.on('request', (request, response) => {
      const target = this.choose(request);
      const outgoing = send(
        { ...target, method: request.method, path: request.url, headers: request.headers, agent: false },
        (incoming) => {
          response.writeHead(incoming.statusCode ?? 502, incoming.headers);
          response.flushHeaders();
          incoming.on('error', () => response.destroy());
          incoming.on('aborted', () => response.destroy());
          incoming.pipe(response);
        },
      );
      outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
      response.on('close', () => outgoing.destroy());
      request.pipe(outgoing);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const { hostname, port } = this.choose(request);
      const outgoing = this.keep(connect(port, hostname));
      const lines = request.rawHeaders.flatMap((name, index, all) =>
        index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}\r\n`] : [],
      );
      outgoing.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
      outgoing.write(head);
      outgoing.pipe(socket).pipe(outgoing);
      for (const [here, there] of [
        [socket, outgoing],
        [outgoing, socket],
      ] as const) {
        here.on('error', () => undefined);
        here.on('close', () => there.destroy());
      }
    });
  }

  /** @param urls the servers, in the order of their turns. */
  static async start(urls: readonly string[]): Promise<RoundRobin> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const targets = urls.map((url) => {
      const { hostname, port: targetPort } = new URL(url);
      return { hostname, port: Number(targetPort) };
    });
    return new RoundRobin(server, targets, `http://127.0.0.1:${port}`);
  }

  /** The next request goes to this server. */
  turnTo(index: number): void {
    this.next = index;
  }

  /** No request goes to a server any more. */
  takeOut(index: number): void {
    this.down.add(index);
  }

  /** Requests go to a server again that was taken out. */
  putBack(index: number): void {
    this.down.delete(index);
  }

  /** Breaks every line. */
  breakAll(): void {
    this.sockets.forEach((socket) => socket.destroy());
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.breakAll();
    await closed;
  }

  private choose({ method = '', url = '' }: IncomingMessage): Target {
    while (this.down.has(this.next % this.targets.length)) {
      this.next++;
    }
    const server = this.next++ % this.targets.length;
    this.served.push({ server, method, path: url.replace(/\?.*/, '') });
    return this.targets[server] as Target;
  }

  private keep<T extends Duplex>(socket: T): T {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    return socket;
  }
}
