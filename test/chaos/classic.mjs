import { setTimeout as delay } from 'node:timers/promises';
import { ClassicClient } from './classic-client.mjs';
import { FaultyProxy } from './faulty-proxy.mjs';
import { History, sum } from './history.mjs';
import { seededRandom } from './random.mjs';
import { startServer } from './server.mjs';

/** @typedef {import('./classic-client.mjs').Transport} Transport */

export const classicTransports = /** @type {const} */ ([
  'webSockets',
  'serverSentEvents',
  'longPolling',
  'foreverFrame',
]);

const SENDERS = 4;

/** Milliseconds between two messages of all senders together, and how long clients get to catch up in the end. */
const SEND_INTERVAL = 5;
const CATCH_UP = 15_000;

/**
 * Lets numbered messages flow to classic clients over lines that break.
 *
 * @param {{ seconds: number, seed: number, transports?: readonly Transport[], clientsPerTransport?: number }} options
 */
export async function runClassic({ seconds, seed, transports = classicTransports, clientsPerTransport = 2 }) {
  const random = seededRandom(seed);
  const server = await startServer();
  const proxy = new FaultyProxy(server.port, random);
  const port = await proxy.listen();
  const members = await connectAll(server, port, transports, clientsPerTransport);
  proxy.startFaults();
  await sendFor(seconds * 1_000, server, members, random);
  proxy.stopFaults();
  const deadline = performance.now() + CATCH_UP;
  while (performance.now() < deadline && !members.every(({ history }) => history.isComplete)) {
    await delay(50);
  }
  // Whatever comes twice would come now.
  await delay(200);
  await Promise.all(members.map(({ client }) => client.stop()));
  await proxy.close();
  await server.close();
  return {
    faults: proxy.faults,
    clients: members.map(({ client, history }) => ({
      name: history.name,
      reconnects: client.reconnects,
      ...history.judge(),
    })),
    total: sum(members.map(({ history }) => history.judge())),
  };
}

/** Two groups and two users, so that each topic has several receivers. */
async function connectAll({ hub }, port, transports, clientsPerTransport) {
  const members = [];
  for (const transport of transports) {
    for (let index = 0; index < clientsPerTransport; index++) {
      const number = members.length;
      const history = new History(`${transport} ${index + 1}`);
      const user = `user${number % 2}`;
      const group = `group${Math.floor(number / 2) % 2}`;
      const onMessage = (message) => history.received(message);
      const client = new ClassicClient({ port, transport, user, onMessage });
      await client.start();
      await hub.groups.add(client.connectionId, group);
      members.push({ client, history, user, group });
    }
  }
  return members;
}

/** Every message goes to all, to a group, to a user or to one client, whatever chance says. */
async function sendFor(milliseconds, { hub }, members, random) {
  const { clients } = hub;
  const numbers = Array.from({ length: SENDERS }, () => 0);
  const targets = [
    () => ({ to: clients.all, receivers: members }),
    () => byProperty('group', `group${random.between(0, 1)}`, (group) => clients.group(group)),
    () => byProperty('user', `user${random.between(0, 1)}`, (user) => clients.user(user)),
    () => {
      const member = random.oneOf(members);
      return { to: clients.client(member.client.connectionId), receivers: [member] };
    },
  ];
  const byProperty = (property, value, select) => ({
    to: select(value),
    receivers: members.filter((member) => member[property] === value),
  });
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    // Several in one turn now and then: they share a response.
    for (let count = random.between(1, 3); count > 0; count--) {
      const sender = random.between(0, SENDERS - 1);
      const message = { sender: `sender ${sender}`, number: numbers[sender]++ };
      const { to, receivers } = random.oneOf(targets)();
      receivers.forEach(({ history }) => history.sent(message));
      await to.invoke('take', message);
    }
    await delay(SEND_INTERVAL);
  }
}
