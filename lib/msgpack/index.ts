export { MessagePackHubProtocol } from './message-pack-hub-protocol.js';
