const connectPacket = '40';
const eventPacket = '42';
const acknowledgementPacket = '43';
const ping = '2';
const pong = '3';

/** Engine.IO 4 framing around Socket.IO 5 packets, default namespace. @type {import('./dialect.mjs').Dialect} */
export const socketIo = {
  begin: () => ({ path: '/socket.io/?EIO=4&transport=websocket' }),
  greeting: [connectPacket],
  isWelcome: (message) => message.startsWith(connectPacket),
  call: (id, text) => `${eventPacket}${id}${JSON.stringify(['echo', text])}`,
  decode(message) {
    const content = message.slice(message.indexOf('['));
    if (message.startsWith(acknowledgementPacket)) {
      return [{ id: parseInt(message.slice(2), 10), text: JSON.parse(content)[0] }];
    }
    return message.startsWith(eventPacket) ? [{ text: JSON.parse(content)[1] }] : [];
  },
  respond: (message) => (message === ping ? pong : undefined),
};
