import { send } from '../http.mjs';

const endOfMessage = '\x1e';
const invocation = 1;
const completion = 3;

/** ASP.NET Core SignalR, JSON protocol, negotiation skipped. @type {import('./dialect.mjs').Dialect} */
export const signalrCore = {
  begin: () => ({ path: '/signalr/echoHub' }),
  greeting: [`{"protocol":"json","version":1}${endOfMessage}`],
  isWelcome(message) {
    const [answer] = message.split(endOfMessage);
    if (answer !== '{}') {
      throw new Error(`the handshake was answered with ${answer}`);
    }
    return true;
  },
  // The members in the order in which the JavaScript client writes them.
  call: (id, text) =>
    JSON.stringify({ target: 'echo', arguments: [text], invocationId: String(id), type: invocation }) +
    endOfMessage,
  decode(frame) {
    const messages = frame.split(endOfMessage).slice(0, -1);
    return messages.flatMap((json) => {
      const message = JSON.parse(json);
      switch (message.type) {
        case completion:
          return [{ id: Number(message.invocationId), text: message.result }];
        case invocation:
          return [{ text: message.arguments[0] }];
        default:
          return [];
      }
    });
  },
  keepAlive: `{"type":6}${endOfMessage}`,
};

/** The same with negotiation, as clients do by default. @type {import('./dialect.mjs').Dialect} */
export const negotiatedSignalrCore = {
  ...signalrCore,
  async begin(port) {
    const answer = await send('POST', port, '/signalr/echoHub/negotiate?negotiateVersion=1');
    return { path: `/signalr/echoHub?id=${encodeURIComponent(JSON.parse(answer).connectionToken)}` };
  },
};
