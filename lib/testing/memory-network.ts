import { type IncomingMessage, request, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { type Duplex, duplexPair } from 'node:stream';
import type { WebSocket } from 'ws';

/** What a request comes with. */
export interface MemoryRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What middleware would have put on the request; undefined leaves it to the application. */
  readonly user: unknown;
}

/** An answer, complete. */
export interface MemoryAnswer {
  readonly status: number;
  readonly body: string;
}

/** A client was refused while it connected. */
export class ConnectionRefusedError extends Error {
  override readonly name = 'ConnectionRefusedError';

  constructor(
    /** HTTP status of the refusal. */
    readonly status: number,
    /** Body of the answer. */
    readonly body: string,
  ) {
    super(`The connection was refused with ${status}${body === '' ? '' : `: ${body}`}`);
  }
}

const USER = Symbol('user of a test');

type Marked = Duplex & { [USER]?: unknown; remoteAddress?: string };
type WebSocketConstructor = new (url: string, options: object) => WebSocket;

/** The copy of `ws` that Nest's adapter has. */
function loadWebSocket(): WebSocketConstructor {
  const here = createRequire(import.meta.url);
  return createRequire(here.resolve('@nestjs/platform-ws'))('ws') as WebSocketConstructor;
}

const prepared = new WeakSet<Server>();

/**
 * Connections to an HTTP server that listens nowhere: everything from the parser on is real, only the line between client and
 * server is memory.
 */
export class MemoryNetwork {
  constructor(private readonly server: Server) {
    if (!prepared.has(server)) {
      prepared.add(server);
      server.prependListener('request', introduce);
      server.prependListener('upgrade', introduce);
    }
  }

  fetch({ method, path, headers, user }: MemoryRequest): Promise<MemoryAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        { method, path, headers, createConnection: () => this.connect(user) },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (body += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  }

  /** Opens a WebSocket. @throws ConnectionRefusedError */
  openSocket({ path, headers, user }: Omit<MemoryRequest, 'method'>): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new (loadWebSocket())(`ws://localhost${path}`, {
        headers,
        perMessageDeflate: false,
        createConnection: () => this.connect(user),
      });
      socket.once('open', () => resolve(socket));
      socket.once('unexpected-response', (_request: unknown, response: IncomingMessage) => {
        reject(new ConnectionRefusedError(response.statusCode ?? 0, ''));
        socket.terminate();
      });
      socket.once('error', reject);
    });
  }

  private connect(user: unknown): Duplex {
    const [client, server] = duplexPair();
    const marked: Marked = server;
    marked[USER] = user;
    marked.remoteAddress = '127.0.0.1';
    // What one side drops, the other one loses.
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    this.server.emit('connection', server);
    return client;
  }
}

/** Puts the user of the test where middleware would. */
function introduce(incoming: IncomingMessage & { user?: unknown }): void {
  const user = (incoming.socket as Marked)[USER];
  if (user !== undefined) {
    incoming.user = user;
  }
}
