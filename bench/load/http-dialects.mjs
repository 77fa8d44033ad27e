import { exchange, send } from './http.mjs';

/**
 * How clients without WebSockets open a connection.
 *
 * @typedef {object} HttpDialect
 * @property {boolean} isPolling
 * @property {(port: number, number: number) => Promise<(last: string) => string>} begin gives the path of the stream or of each poll
 * @property {(port: number, path: string) => Promise<unknown>} [start] what comes when the line is open
 */

const events = '/events';

/** @type {Record<string, HttpDialect>} */
export const byHand = {
  stream: { isPolling: false, begin: async () => () => events },
  polls: { isPolling: true, begin: async (_, number) => () => `/poll?id=${number}` },
};

const handshake = '{"protocol":"json","version":1}\x1e';

async function negotiateCore(port) {
  const answer = await send('POST', port, '/signalr/echoHub/negotiate?negotiateVersion=1');
  const path = `/signalr/echoHub?id=${encodeURIComponent(JSON.parse(answer).connectionToken)}`;
  return () => path;
}

const shakeHands = (port, path) => exchange('POST', port, path, handshake);

/** @type {Record<string, HttpDialect>} */
export const core = {
  stream: { isPolling: false, begin: negotiateCore, start: shakeHands },
  polls: { isPolling: true, begin: negotiateCore, start: shakeHands },
};

const connectionData = encodeURIComponent('[{"name":"echohub"}]');

/** @param {string} transport */
async function negotiateClassic(port, transport) {
  const hubs = `clientProtocol=2.1&connectionData=${connectionData}`;
  const answer = await send('GET', port, `/signalr/negotiate?${hubs}`);
  const token = encodeURIComponent(JSON.parse(answer).ConnectionToken);
  return `transport=${transport}&${hubs}&connectionToken=${token}`;
}

const startClassic = (port, path) => send('GET', port, path.replace(/\/signalr\/\w+/, '/signalr/start'));

/** @type {Record<string, HttpDialect>} */
export const classic = {
  stream: {
    isPolling: false,
    async begin(port) {
      const path = `/signalr/connect?${await negotiateClassic(port, 'serverSentEvents')}`;
      return () => path;
    },
    start: startClassic,
  },
  polls: {
    isPolling: true,
    async begin(port) {
      const query = await negotiateClassic(port, 'longPolling');
      return (last) => {
        const cursor = /"C":"([^"]+)"/.exec(last)?.[1];
        return cursor === undefined
          ? `/signalr/connect?${query}`
          : `/signalr/poll?${query}&messageId=${encodeURIComponent(cursor)}`;
      };
    },
    start: startClassic,
  },
};
