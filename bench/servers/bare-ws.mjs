import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { serve } from './control.mjs';

/** The yardstick: what one writes by hand with `ws` and `JSON.parse`, and nothing else. */
const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });

sockets.on('connection', (socket) => {
  socket.on('message', (/** @type {Buffer} */ data) => {
    const message = JSON.parse(data.toString());
    if (message.event === 'echo') {
      socket.send(JSON.stringify({ id: message.id, data: message.data }));
    }
  });
});

/** @param {string[]} texts */
function broadcast(texts) {
  for (const text of texts) {
    const message = JSON.stringify({ event: 'notify', data: text });
    for (const socket of sockets.clients) {
      socket.send(message);
    }
  }
}

http.listen(0, '127.0.0.1', () => serve(http, broadcast));
