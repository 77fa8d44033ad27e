import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { nextGroup, serve, setting, usesGroups } from './control.mjs';

/**
 * socket.io over WebSockets only; the reply of a call is its acknowledgement. `redis=url` makes the process a node of a farm, with
 * the adapter for Redis streams.
 */
const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false, ...(await farmOptions()) });

io.on('connection', (socket) => {
  if (usesGroups) {
    void socket.join(nextGroup());
  }
  socket.on('echo', (text, acknowledge) => acknowledge(text));
});

async function farmOptions() {
  const url = setting('redis');
  if (url === undefined) {
    return {};
  }
  const { createClient } = await import('redis');
  const { createAdapter } = await import('@socket.io/redis-streams-adapter');
  return { adapter: createAdapter(await createClient({ url }).connect()) };
}

/** @param {string[]} texts */
function broadcast(texts) {
  for (const text of texts) {
    io.emit('notify', text);
  }
}

/** @param {string[]} texts @param {string[]} names */
function groups(texts, names) {
  for (const text of texts) {
    names.forEach((name) => io.to(name).emit('notify', text));
  }
}

http.listen(0, '127.0.0.1', () => serve(http, { broadcast, groups }));
