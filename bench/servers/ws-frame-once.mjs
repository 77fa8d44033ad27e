import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from './control.mjs';

/** What bare `ws` can be brought to: each frame is built once, by hand, and written as one buffer to every socket. */
const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
/** @type {Set<import('node:stream').Duplex>} */
const connections = new Set();

sockets.on('connection', (socket, request) => {
  connections.add(request.socket);
  socket.on('close', () => connections.delete(request.socket));
  socket.on('message', (/** @type {Buffer} */ data) => {
    const message = JSON.parse(data.toString());
    if (message.event === 'echo') {
      request.socket.write(frame(JSON.stringify({ id: message.id, data: message.data })));
    }
  });
});

/** @param {string[]} texts */
function broadcast(texts) {
  for (const text of texts) {
    const shared = frame(JSON.stringify({ event: 'notify', data: text }));
    for (const connection of connections) {
      connection.write(shared);
    }
  }
}

/** @param {string} text */
function frame(text) {
  const bytes = Buffer.byteLength(text);
  const headerBytes = bytes < 126 ? 2 : bytes < 0x1_0000 ? 4 : 10;
  const whole = Buffer.allocUnsafe(headerBytes + bytes);
  whole[0] = 0x81;
  if (headerBytes === 2) {
    whole[1] = bytes;
  } else if (headerBytes === 4) {
    whole[1] = 126;
    whole.writeUInt16BE(bytes, 2);
  } else {
    whole[1] = 127;
    whole.writeBigUInt64BE(BigInt(bytes), 2);
  }
  whole.write(text, headerBytes);
  return whole;
}

http.listen(0, '127.0.0.1', () => serve(http, { broadcast }));
