import { send } from '../http.mjs';

const connectionData = encodeURIComponent('[{"name":"echohub"}]');

/** Classic SignalR 2.x over WebSockets, as the JavaScript client 2.4.3 does it. @type {import('./dialect.mjs').Dialect} */
export const signalrClassic = {
  async begin(port) {
    const negotiated = await send(
      'GET',
      port,
      `/signalr/negotiate?clientProtocol=2.1&connectionData=${connectionData}`,
    );
    const token = encodeURIComponent(JSON.parse(negotiated).ConnectionToken);
    const query = `transport=webSockets&clientProtocol=2.1&connectionToken=${token}&connectionData=${connectionData}`;
    return { path: `/signalr/connect?${query}&tid=5`, query };
  },
  greeting: [],
  isWelcome: (message) => JSON.parse(message).S === 1,
  start: (port, { query }) => send('GET', port, `/signalr/start?${query}`),
  // Without it the server would keep the connection, and messages for it, until it may no longer come back.
  leave: (port, { query }) => send('POST', port, `/signalr/abort?${query}`),
  call: (id, text) => JSON.stringify({ H: 'echohub', M: 'echo', A: [text], I: id }),
  decode(message) {
    const { I, R, M } = JSON.parse(message);
    return M === undefined ? replies(I, R) : M.map((call) => ({ text: call.A[0] }));
  },
};

/** A keep-alive, `{}`, has neither an id nor a result. */
function replies(id, result) {
  return id === undefined ? [] : [{ id: Number(id), text: result }];
}
