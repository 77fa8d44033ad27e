import { bareWs } from './load/dialects/bare-ws.mjs';
import { platformWs } from './load/dialects/platform-ws.mjs';
import { signalrClassic } from './load/dialects/signalr-classic.mjs';
import { signalrCore } from './load/dialects/signalr-core.mjs';
import { signalrCoreMessagePack } from './load/dialects/signalr-core-messagepack.mjs';
import { socketIo } from './load/dialects/socket-io.mjs';
import { aspNetCoreBuild, nativeHelpers } from './runner/optional.mjs';

/**
 * A row of the tables: a server and the language it is spoken to. Each target gets a process of its own.
 *
 * @typedef {object} Target
 * @property {string} name for the command line
 * @property {string} title for tables
 * @property {string[]} command that starts the server, relative to `bench/`
 * @property {import('./load/dialects/dialect.mjs').Dialect} dialect
 * @property {Record<string, string>} [environment] variables of the server's process
 * @property {string[]} [only] names of the only scenarios it takes part in
 * @property {string[]} [not] names of scenarios it takes no part in
 * @property {() => string | undefined} [prepare] what has to happen before the first start; gives the reason if it
 *   cannot run on this machine
 */

const node = process.execPath;

/** `ws` takes these packages by itself where they are installed. Rows say which ones they have. */
const withoutHelpers = { WS_NO_BUFFER_UTIL: '1', WS_NO_UTF_8_VALIDATE: '1' };

/** Everything is compared with this one. @type {Target} */
export const baseline = {
  name: 'bare-ws',
  title: 'bare `ws`',
  command: [node, 'servers/bare-ws.mjs'],
  dialect: bareWs,
  environment: withoutHelpers,
};

/** What MessagePack is compared with besides. @type {Target} */
export const json = {
  name: 'signalr-core',
  title: 'nestjs-signalr, Core JSON',
  command: [node, 'servers/nestjs-signalr.mjs'],
  dialect: signalrCore,
  environment: withoutHelpers,
};

/** Its server has a hub protocol more, and encodes what it publishes in both. @type {Target} */
export const messagePack = {
  name: 'signalr-core-messagepack',
  title: 'nestjs-signalr, Core MessagePack',
  command: [node, 'servers/nestjs-signalr.mjs', 'messagepack'],
  dialect: signalrCoreMessagePack,
  environment: withoutHelpers,
};

/** @type {Target} */
export const classic = {
  name: 'signalr-classic',
  title: 'nestjs-signalr, classic',
  command: [node, 'servers/nestjs-signalr.mjs'],
  dialect: signalrClassic,
  environment: withoutHelpers,
};

/** @type {Target} */
export const socketIoServer = {
  name: 'socket-io',
  title: 'socket.io',
  command: [node, 'servers/socket-io.mjs'],
  dialect: socketIo,
  environment: withoutHelpers,
};

/** @type {Target} */
export const aspNetCore = {
  name: 'aspnetcore',
  title: 'ASP.NET Core SignalR 10, JSON',
  command: ['dotnet', 'servers/aspnetcore/bin/Release/net10.0/aspnetcore.dll'],
  dialect: signalrCore,
  environment: { DOTNET_PROCESSOR_COUNT: '1', DOTNET_gcServer: '0' },
  // Its method takes a text, and large messages leave it in fragments, which the load does not read.
  not: ['echo-record', 'echo-16-1k', 'echo-16k'],
  prepare: aspNetCoreBuild,
};

/** The same server with bufferutil and utf-8-validate. @param {Target} target @returns {Target} */
function withHelpers({ name, title, command, dialect }) {
  return {
    name: `${name}-native`,
    title: `${title}, native helpers`,
    command,
    dialect,
    environment: nativeHelpers.environment,
    prepare: () => nativeHelpers.missing,
    only: ['echo-16k'],
  };
}

/** @type {Target[]} */
export const targets = [
  baseline,
  {
    name: 'ws-frame-once',
    title: '`ws`, frame built once and written to every socket',
    command: [node, 'servers/ws-frame-once.mjs'],
    dialect: bareWs,
    environment: withoutHelpers,
    not: ['groups'],
  },
  {
    name: 'platform-ws',
    title: 'Nest gateway on platform-ws',
    command: [node, 'servers/platform-ws.mjs'],
    dialect: platformWs,
    environment: withoutHelpers,
    not: ['groups'],
  },
  socketIoServer,
  {
    name: 'platform-socket-io',
    title: 'Nest gateway on platform-socket.io',
    command: [node, 'servers/platform-socket-io.mjs'],
    dialect: socketIo,
    environment: withoutHelpers,
  },
  json,
  messagePack,
  classic,
  aspNetCore,
  ...[baseline, json, classic].map(withHelpers),
];
