import { type IncomingMessage, request, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { type Duplex, duplexPair } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
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

/** Who uses a {@link MemorySocket}. */
export interface SocketListener {
  text(text: string): void;
  closed(): void;
}

/** An open WebSocket. The types of `ws` stay behind it: applications need not have them. */
export interface MemorySocket {
  readonly isOpen: boolean;
  send(text: string): void;
  /** Closes it with the closing handshake. */
  close(): void;
  /** Breaks the line. */
  destroy(): void;
  /** Tells somebody of what happens, and of what has happened since it opened. */
  listen(listener: SocketListener): void;
}

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
  openSocket({ path, headers, user }: Omit<MemoryRequest, 'method'>): Promise<MemorySocket> {
    return new Promise((resolve, reject) => {
      const socket = new (loadWebSocket())(`ws://localhost${path}`, {
        headers,
        perMessageDeflate: false,
        createConnection: () => this.connect(user),
      });
      const opened = wrap(socket);
      socket.once('open', () => resolve(opened));
      socket.once('unexpected-response', (_request: unknown, response: IncomingMessage) => {
        reject(new ConnectionRefusedError(response.statusCode ?? 0, ''));
        socket.terminate();
      });
      // A line that breaks later shows in the end of the socket.
      socket.on('error', reject);
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
    // A server with TLS has its requests read from what has been decrypted.
    this.server.emit(this.server instanceof TlsServer ? 'secureConnection' : 'connection', server);
    return client;
  }
}

/** Whatever arrives before somebody listens is kept: the server may speak in the same moment in which the socket opens. */
function wrap(socket: WebSocket): MemorySocket {
  let listener: SocketListener | undefined;
  const early: ((listener: SocketListener) => void)[] = [];
  const tell = (event: (listener: SocketListener) => void): void => {
    if (listener === undefined) {
      early.push(event);
    } else {
      event(listener);
    }
  };
  socket.on('message', (data: Buffer) => tell(({ text }) => text(data.toString())));
  socket.on('close', () => tell(({ closed }) => closed()));
  return {
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    send: (text) => socket.send(text),
    close: () => socket.close(),
    destroy: () => socket.terminate(),
    listen(added) {
      listener = added;
      early.splice(0).forEach((event) => event(added));
    },
  };
}

/** Puts the user of the test where middleware would. */
function introduce(incoming: IncomingMessage & { user?: unknown }): void {
  const user = (incoming.socket as Marked)[USER];
  if (user !== undefined) {
    incoming.user = user;
  }
}
