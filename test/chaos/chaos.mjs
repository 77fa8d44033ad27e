import { setTimeout as delay } from 'node:timers/promises';
import { FaultyProxy } from './faulty-proxy.mjs';
import { sum } from './history.mjs';
import { Member } from './member.mjs';
import { seededRandom } from './random.mjs';
import { startServer } from './server.mjs';

/**
 * @typedef {{ port: number, user: string, onMessage: (value: any) => void, onResult: (value: any) => void }} ClientOptions
 * @typedef {{
 *   connectionId: string,
 *   reconnects: number,
 *   start(): Promise<void>,
 *   stop(): Promise<void>,
 *   call?(argument: unknown): void,
 * }} Client
 * @typedef {{
 *   kinds: readonly string[],
 *   calls: boolean,
 *   createClient(kind: string, options: ClientOptions): Client,
 * }} Family what is tried: which kinds of clients there are, and whether what they call is to arrive once as well.
 */

const SENDERS = 4;

/** Milliseconds between two messages of all senders together, and how long clients get to catch up in the end. */
const SEND_INTERVAL = 5;
const CATCH_UP = 15_000;

/**
 * Lets numbered messages flow over lines that break: from the server to clients, and where the family has it, calls of
 * clients to the server and their results back.
 *
 * @param {Family} family
 * @param {{ seconds: number, seed: number, kinds?: readonly string[], clientsPerKind?: number }} options
 */
export async function runChaos(family, { seconds, seed, kinds = family.kinds, clientsPerKind = 2 }) {
  const random = seededRandom(seed);
  const server = await startServer();
  const proxy = new FaultyProxy(server.port, random);
  const port = await proxy.listen();
  const members = await connectAll(server, port, family, kinds, clientsPerKind);
  proxy.startFaults();
  await talkFor(seconds * 1_000, server, family, members, random);
  proxy.stopFaults();
  const deadline = performance.now() + CATCH_UP;
  while (performance.now() < deadline && !members.every(({ isComplete }) => isComplete)) {
    await delay(50);
  }
  // Whatever comes twice would come now.
  await delay(200);
  await Promise.all(members.map(({ client }) => client.stop()));
  await proxy.close();
  await server.close();
  return {
    faults: proxy.faults,
    clients: members.map((member) => ({
      name: member.name,
      reconnects: member.client.reconnects,
      ...member.judge(),
    })),
    total: sum(members.map((member) => member.judge())),
  };
}

/** Two groups and two users, so that each topic has several receivers. */
async function connectAll(server, port, family, kinds, clientsPerKind) {
  const members = [];
  for (const kind of kinds) {
    for (let index = 0; index < clientsPerKind; index++) {
      const number = members.length;
      const member = new Member(`${kind} ${index + 1}`, {
        user: `user${number % 2}`,
        group: `group${Math.floor(number / 2) % 2}`,
      });
      await member.join((options) => family.createClient(kind, { ...options, port }));
      await server.hub.groups.add(member.client.connectionId, member.group);
      members.push(member);
    }
  }
  server.onCall = (connectionId, message) =>
    members.find(({ client }) => client.connectionId === connectionId).called(message);
  return members;
}

async function talkFor(milliseconds, server, { calls }, members, random) {
  const send = createSender(server, members, random);
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    // Several in one turn now and then: they share a response.
    for (let count = random.between(1, 3); count > 0; count--) {
      await send();
    }
    if (calls) {
      random.oneOf(members).call();
    }
    await delay(SEND_INTERVAL);
  }
}

/** Every message goes to all, to a group, to a user or to one client, whatever chance says. */
function createSender({ hub: { clients } }, members, random) {
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
  return async () => {
    const sender = random.between(0, SENDERS - 1);
    const message = { sender: `sender ${sender}`, number: numbers[sender]++ };
    const { to, receivers } = random.oneOf(targets)();
    receivers.forEach((member) => member.sent(message));
    await to.take(message);
  };
}
