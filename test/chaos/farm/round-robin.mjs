import { createServer, request } from 'node:http';
import { once } from 'node:events';

/** A proxy without affinity: every request goes to the next node that lives, whoever sent it. */
export class RoundRobin {
  /** Ports of the nodes that take requests. @type {Set<number>} */
  nodes = new Set();
  #server = createServer((incoming, response) => this.#serve(incoming, response));
  #turn = 0;

  constructor() {
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head));
  }

  /** @returns {Promise<number>} the port that clients connect to. */
  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    return closed;
  }

  #forward({ method, url, headers }) {
    const ports = [...this.nodes];
    const port = ports[this.#turn++ % ports.length];
    return request({ host: '127.0.0.1', port, method, path: url, headers, agent: false });
  }

  #serve(incoming, response) {
    const outgoing = this.#forward(incoming);
    incoming.pipe(outgoing);
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      // What breaks off there breaks off here.
      answer.on('close', () => (answer.complete ? undefined : response.destroy()));
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
  }

  #upgrade(incoming, client, head) {
    const outgoing = this.#forward(incoming);
    client.on('error', () => outgoing.destroy());
    client.on('close', () => outgoing.destroy());
    outgoing.on('error', () => client.destroy());
    outgoing.on('response', ({ statusCode }) => {
      client.end(`HTTP/1.1 ${statusCode} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      outgoing.destroy();
    });
    outgoing.on('upgrade', (answer, server, first) => {
      const lines = answer.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      client.write(first);
      server.write(head);
      client.pipe(server).pipe(client);
      server.on('error', () => client.destroy());
      server.on('close', () => client.destroy());
      client.on('close', () => server.destroy());
    });
    outgoing.end();
  }
}
