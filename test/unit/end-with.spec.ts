import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { endWith } from '../../lib/transports/http.js';

/** The bytes of a response, without the date. */
async function bytesOf(respond: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => {
    response.sendDate = false;
    respond(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n');
  const bytes = await text(socket);
  server.close();
  return bytes;
}

const bodies = ['', 'hello', 'Grüße', 'x'.repeat(200_000)];

test.each(bodies)('a response ends as with Node, byte for byte (%#)', async (body) => {
  const head = { 'Content-Length': Buffer.byteLength(body), 'Content-Type': 'text/plain' };
  const ours = await bytesOf((response) => endWith(response.writeHead(200, head), body));
  expect(ours).toBe(await bytesOf((response) => void response.writeHead(200, head).end(body)));
  expect(ours.endsWith(`\r\n\r\n${body}`)).toBe(true);
});

test('middleware with an end of its own gets the whole body there', async () => {
  const seen: unknown[] = [];
  await bytesOf((response) => {
    const { end } = response;
    response.end = function (this: ServerResponse, ...args: unknown[]) {
      seen.push(args[0]);
      return Reflect.apply(end, this, args) as ServerResponse;
    } as ServerResponse['end'];
    endWith(response.writeHead(200), 'hello');
  });
  expect(seen).toEqual(['hello']);
});
