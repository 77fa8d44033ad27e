import { bareWs } from './load/dialects/bare-ws.mjs';
import { platformWs } from './load/dialects/platform-ws.mjs';
import { signalrClassic } from './load/dialects/signalr-classic.mjs';
import { signalrCore } from './load/dialects/signalr-core.mjs';
import { signalrCoreMessagePack } from './load/dialects/signalr-core-messagepack.mjs';
import { socketIo } from './load/dialects/socket-io.mjs';

/**
 * A row of the tables: a server and the language it is spoken to. Each target gets a process of its own.
 *
 * @typedef {object} Target
 * @property {string} name for the command line
 * @property {string} title for tables
 * @property {string[]} command that starts the server, relative to `bench/`
 * @property {import('./load/dialects/dialect.mjs').Dialect} dialect
 */

const node = process.execPath;

/** Everything is compared with this one. @type {Target} */
export const baseline = {
  name: 'bare-ws',
  title: 'bare `ws`',
  command: [node, 'servers/bare-ws.mjs'],
  dialect: bareWs,
};

/** What MessagePack is compared with besides. @type {Target} */
export const json = {
  name: 'signalr-core',
  title: 'nestjs-signalr, Core JSON',
  command: [node, 'servers/nestjs-signalr.mjs'],
  dialect: signalrCore,
};

/** Its server has a hub protocol more, and encodes what it publishes in both. @type {Target} */
export const messagePack = {
  name: 'signalr-core-messagepack',
  title: 'nestjs-signalr, Core MessagePack',
  command: [node, 'servers/nestjs-signalr.mjs', 'messagepack'],
  dialect: signalrCoreMessagePack,
};

/** @type {Target[]} */
export const targets = [
  baseline,
  {
    name: 'platform-ws',
    title: 'Nest gateway on platform-ws',
    command: [node, 'servers/platform-ws.mjs'],
    dialect: platformWs,
  },
  {
    name: 'socket-io',
    title: 'socket.io',
    command: [node, 'servers/socket-io.mjs'],
    dialect: socketIo,
  },
  json,
  messagePack,
  {
    name: 'signalr-classic',
    title: 'nestjs-signalr, classic',
    command: [node, 'servers/nestjs-signalr.mjs'],
    dialect: signalrClassic,
  },
];
