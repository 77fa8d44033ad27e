import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/free-port.mjs';
import { FarmNode } from './farm/farm-node.mjs';
import { RedisProcess } from './farm/redis-process.mjs';
import { ReturningClassicClient, ReturningCoreClient } from './farm/returning-clients.mjs';
import { RoundRobin } from './farm/round-robin.mjs';
import { SessionHistory } from './farm/session-history.mjs';
import { FaultyProxy } from './faulty-proxy.mjs';
import { seededRandom } from './random.mjs';

const CLASSIC_TRANSPORTS = ['webSockets', 'serverSentEvents', 'longPolling', 'foreverFrame'];
const CORE_TRANSPORTS = ['WebSockets', 'ServerSentEvents', 'LongPolling'];
const SENDERS_PER_NODE = 2;

/** Milliseconds between two messages of all senders together, between two faults, and until everything is whole again. */
const SEND_INTERVAL = 10;
const PAUSE = { low: 1_500, high: 3_000 };
const OUTAGE = { low: 200, high: 2_500 };
const CATCH_UP = 30_000;

/** How often a killed Redis comes back without what it knew. */
const FORGET_CHANCE = 0.25;

/**
 * Lets numbered messages flow through a farm while its nodes, Redis and the lines between them die.
 *
 * @param {{ seconds: number, seed: number, nodeCount?: number, onFault?: (what: string) => void }} options
 */
export async function runRedis({ seconds, seed, nodeCount = 3, onFault = () => {} }) {
  const random = seededRandom(seed);
  const farm = await Farm.start(nodeCount, random, onFault);
  const members = await connectMembers(farm.port, random);
  const faults = farm.harm(seconds * 1_000);
  await sendFor(seconds * 1_000, farm, members, random);
  await faults;
  const deadline = performance.now() + CATCH_UP;
  while (performance.now() < deadline && !members.every(({ history }) => history.isComplete)) {
    await delay(100);
  }
  // Whatever comes twice would come now.
  await delay(500);
  await Promise.all(members.map(({ client }) => client.stop()));
  await farm.close();
  const clients = members.map(({ history }) => ({
    name: history.name,
    signals: history.signals,
    ...history.judge(),
  }));
  return { faults: farm.faults, clients, total: total(clients) };
}

/** Nodes, the Redis that they share, and what is in between. */
class Farm {
  /** How often each fault has happened. @type {Record<string, number>} */
  faults = {};

  constructor({ redis, nodes, links, roundRobin, port, random, onFault }) {
    this.redis = redis;
    this.nodes = nodes;
    this.links = links;
    this.roundRobin = roundRobin;
    this.port = port;
    this.random = random;
    this.onFault = onFault;
  }

  static async start(nodeCount, random, onFault) {
    const redis = await RedisProcess.launch(await freePort());
    const roundRobin = new RoundRobin();
    const links = Array.from({ length: nodeCount }, () => new FaultyProxy(redis.port, random));
    const nodes = [];
    for (const [index, link] of links.entries()) {
      const redisUrl = `redis://127.0.0.1:${await link.listen()}`;
      const node = new FarmNode(`node ${index + 1}`, { port: await freePort(), redisUrl, mode: 'streams' });
      await node.start();
      roundRobin.nodes.add(node.port);
      nodes.push(node);
    }
    return new Farm({ redis, nodes, links, roundRobin, port: await roundRobin.listen(), random, onFault });
  }

  /** One fault after another, each of them mended before the next. @param {number} milliseconds */
  async harm(milliseconds) {
    const { between, oneOf } = this.random;
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      await delay(between(PAUSE.low, PAUSE.high));
      const fault = oneOf(['killNode', 'killNode', 'killRedis', 'cutLink', 'cutLink', 'stallLink']);
      await this[fault](between(OUTAGE.low, OUTAGE.high));
    }
  }

  #count(fault) {
    this.faults[fault] = (this.faults[fault] ?? 0) + 1;
    this.onFault(fault);
  }

  async killNode(outage) {
    const node = this.random.oneOf(this.nodes);
    this.#count(`kill -9 of ${node.name}`);
    this.roundRobin.nodes.delete(node.port);
    await node.kill();
    await delay(outage);
    await node.start();
    this.roundRobin.nodes.add(node.port);
  }

  async killRedis(outage) {
    const forgets = this.random.next() < FORGET_CHANCE;
    this.#count(forgets ? 'Redis killed, back with nothing' : 'Redis killed');
    await this.redis.kill();
    await delay(outage);
    if (forgets) {
      await this.redis.forget();
    }
    await this.redis.start();
  }

  async cutLink(outage) {
    const link = this.random.oneOf(this.links);
    this.#count('link to Redis cut');
    link.interrupt();
    await delay(outage);
    link.restore();
  }

  async stallLink(outage) {
    const link = this.random.oneOf(this.links);
    this.#count('link to Redis stalled');
    link.stall();
    await delay(outage);
    link.restore();
  }

  async close() {
    await Promise.all(this.nodes.filter(({ isAlive }) => isAlive).map((node) => node.kill()));
    await this.roundRobin.close();
    await Promise.all(this.links.map((link) => link.close()));
    await this.redis.close();
  }
}

/** Two groups and two users, so that each topic has several receivers of both families. */
async function connectMembers(port, random) {
  const kinds = [
    ...CLASSIC_TRANSPORTS.map((transport) => ({
      family: 'classic',
      Client: ReturningClassicClient,
      transport,
    })),
    ...CORE_TRANSPORTS.map((transport) => ({ family: 'core', Client: ReturningCoreClient, transport })),
  ];
  return Promise.all(
    kinds.map(async ({ family, Client, transport }, index) => {
      const history = new SessionHistory(`${family} ${transport}`);
      const user = `user${index % 2}`;
      const group = `group${random.between(0, 1)}`;
      const client = new Client({ port, transport, parameters: { user, group }, history });
      await client.start();
      return { client, history, user, group };
    }),
  );
}

/** Every message goes to all, to a group, to a user or to one client from some node, whatever chance says. */
async function sendFor(milliseconds, { nodes }, members, random) {
  const numbers = new Map();
  const targets = [
    () => ({ destination: { kind: 'all' }, receivers: members }),
    () => by('group', `group${random.between(0, 1)}`),
    () => by('user', `user${random.between(0, 1)}`),
    () => {
      const member = random.oneOf(members);
      return { destination: { kind: 'client', name: member.client.connectionId }, receivers: [member] };
    },
  ];
  const by = (kind, name) => ({
    destination: { kind, name },
    receivers: members.filter((member) => member[kind] === name),
  });
  const sends = [];
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const node = random.oneOf(nodes);
    const { destination, receivers } = random.oneOf(targets)();
    if (node.isAlive && destination.name !== '') {
      const sender = `${node.name}.${node.incarnation} sender ${random.between(1, SENDERS_PER_NODE)}`;
      const number = numbers.get(sender) ?? 0;
      numbers.set(sender, number + 1);
      const message = { sender, number };
      const records = receivers.map(({ history }) => history.sent(message));
      const accepted = node.send(destination, message).then((isCertain) => {
        records.forEach((record) => (record.isCertain = isCertain));
      });
      sends.push(accepted);
    }
    await delay(SEND_INTERVAL);
  }
  await Promise.all(sends);
}

function total(verdicts) {
  const names = ['expected', 'delivered', 'lost', 'duplicated', 'outOfOrder', 'signalled'];
  return Object.fromEntries(
    names.map((name) => [name, verdicts.reduce((sum, verdict) => sum + verdict[name], 0)]),
  );
}
