import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { nextGroup, serve, usesGroups } from './control.mjs';

/** The yardstick: what one writes by hand with `ws` and `JSON.parse`, and nothing else. */
const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });

/** @type {Map<string, Set<import('ws').WebSocket>>} */
const members = new Map();

sockets.on('connection', (socket) => {
  if (usesGroups) {
    join(socket, nextGroup());
  }
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

/** @param {import('ws').WebSocket} socket @param {string} group */
function join(socket, group) {
  members.set(group, (members.get(group) ?? new Set()).add(socket));
  socket.on('close', () => members.get(group)?.delete(socket));
}

/** @param {string[]} texts @param {string[]} names */
function groups(texts, names) {
  for (const text of texts) {
    const message = JSON.stringify({ event: 'notify', data: text });
    for (const name of names) {
      for (const socket of members.get(name) ?? []) {
        socket.send(message);
      }
    }
  }
}

http.listen(0, '127.0.0.1', () => serve(http, { broadcast, groups }));
