import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';

/** Nothing is left to do: `pipeline` has closed both sides. */
const ignore = (): void => {};

/** Hands each request and each upgrade to the next node, whoever it comes from: no client has a node of its own. */
export class RoundRobinProxy {
  #turn = 0;

  /** @param ports those that take requests at the moment */
  constructor(private readonly ports: () => readonly number[]) {}

  async pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const node = await this.#connectNext();
    if (node === undefined) {
      response.writeHead(503).end();
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request({
      createConnection: () => node,
      method,
      path: url,
      headers: { ...endToEnd(headers), connection: 'close' },
    });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      // Whoever opens a stream waits for its headers, long before the first byte of it.
      response.flushHeaders();
      pipeline(answer, response, ignore);
    });
    outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    response.on('close', () => outgoing.destroy());
    pipeline(incoming, outgoing, ignore);
  }

  async passUpgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const node = await this.#connectNext();
    if (node === undefined) {
      client.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
      return;
    }
    node.write(requestHead(incoming));
    node.write(head);
    pipeline(client, node, ignore);
    pipeline(node, client, ignore);
  }

  /** @returns a socket to the next node that is there. A node that was killed is known by that it takes no connection. */
  async #connectNext(): Promise<Socket | undefined> {
    const ports = this.ports();
    const first = this.#turn++;
    for (const offset of ports.keys()) {
      const socket = connect(ports[(first + offset) % ports.length] as number, '127.0.0.1').setNoDelay();
      try {
        await once(socket, 'connect');
        return socket;
      } catch {
        // The next one, then.
      }
    }
    return undefined;
  }
}

/** Without what is between two neighbours only. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const rest = { ...headers };
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) {
    delete rest[name];
  }
  return rest;
}

function requestHead({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
