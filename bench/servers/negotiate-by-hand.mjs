import { WebSocketServer } from 'ws';
import { serve } from './control.mjs';
import { platformServer } from './platform.mjs';

/**
 * The least that a new SignalR client costs: what its requests need to go through, written by hand, with nothing behind it. It
 * checks no token, knows no user and keeps no connection. With `express`, Nest's Express stands before it.
 */
const answer = JSON.stringify({
  negotiateVersion: 1,
  connectionId: 'x',
  connectionToken: 'x',
  availableTransports: [{ transport: 'WebSockets', transferFormats: ['Text', 'Binary'] }],
});
const http = platformServer(process.argv.slice(2), (request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
    response.end(answer);
  });
});

new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (socket) => {
  socket.once('message', (/** @type {Buffer} */ data) => {
    JSON.parse(data.toString().slice(0, -1));
    socket.send('{}\x1e');
  });
});

http.listen(0, '127.0.0.1', () => serve(http, { broadcast: () => undefined }));
