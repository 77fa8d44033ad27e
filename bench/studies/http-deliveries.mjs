import { byHand, classic, core } from '../load/http-dialects.mjs';
import { HttpReceiver } from '../load/http-receiver.mjs';
import { textOf } from '../load/payload.mjs';
import { ServerProcess } from '../runner/server-process.mjs';
import { median } from '../runner/statistics.mjs';

const receivers = 200;
const bytes = 100;
const patience = 10_000;
const signalr = [process.execPath, 'servers/nestjs-signalr.mjs'];
const hand = [process.execPath, 'servers/http-streams.mjs'];

const entrants = [
  { title: 'Node, written by hand', command: hand, dialects: byHand },
  {
    title: 'Node, written by hand, head of polls first',
    command: [...hand, 'head-first'],
    dialects: byHand,
  },
  { title: 'Express, written by hand', command: [...hand, 'express'], dialects: byHand },
  {
    title: 'Express, written by hand, head of polls first',
    command: [...hand, 'express', 'head-first'],
    dialects: byHand,
  },
  ...[
    ['mounted', 'straight from the server'],
    ['fastify', 'on Fastify'],
    ['express', 'on Express'],
  ].flatMap(([setting = '', where]) => {
    const command = [...signalr, setting];
    return [
      { title: `nestjs-signalr, Core JSON, ${where}`, command, dialects: core },
      { title: `nestjs-signalr, classic, ${where}`, command, dialects: classic },
    ];
  }),
];

/**
 * What a delivery costs without WebSockets. The next text is sent when all have the last one.
 *
 * @type {import('./study.mjs').Study}
 */
export const httpDeliveries = {
  name: 'http',
  title: 'Deliveries over event streams and long polling',
  async run({ cores, rounds, quick }) {
    const milliseconds = quick ? 200 : 800;
    const rows = entrants.map(({ title }) => [title]);
    const data = [];
    for (const [transport, head] of [
      ['stream', 'event stream'],
      ['polls', 'long polling'],
    ]) {
      const costs = await measureAll(transport, { cores, rounds, milliseconds });
      costs.forEach((own, index) => {
        const ratio = median(own.map((cost, round) => cost / costs[0][round]));
        rows[index].push(median(own).toFixed(2), ratio.toFixed(2));
        data.push({ transport: head, title: entrants[index].title, costs: own });
      });
    }
    return {
      head: ['', 'event stream, µs', 'ratio', 'long polling, µs', 'ratio'],
      rows,
      data,
      charts: [
        {
          name: 'http',
          kind: /** @type {const} */ ('bars'),
          title: 'Server CPU time per delivery without WebSockets, µs',
          bars: data.map(({ transport, title, costs }) => ({
            title: `${title}, ${transport}`,
            value: median(costs),
          })),
        },
      ],
    };
  },
};

async function measureAll(transport, { cores, rounds, milliseconds }) {
  const running = [];
  try {
    for (const { command, dialects } of entrants) {
      const server = await ServerProcess.start(cores.onServerCore(command));
      running.push({ server, audience: await Audience.gather(server, dialects[transport]) });
    }
    /** @type {number[][]} */
    const costs = running.map(() => []);
    for (let round = -1; round < rounds; round++) {
      for (const [index, { server, audience }] of running.entries()) {
        await audience.listen(milliseconds / 4);
        const before = await server.usage();
        const deliveries = await audience.listen(milliseconds);
        const after = await server.usage();
        if (round >= 0) {
          costs[index].push((after.user + after.system - before.user - before.system) / deliveries);
        }
      }
    }
    return costs;
  } finally {
    for (const { server, audience } of running) {
      audience.leave();
      await server.stop();
    }
  }
}

/** All receivers of one server. */
class Audience {
  /** @type {HttpReceiver[]} */
  #receivers = [];
  #server;
  #onText = () => {};
  #fail = (/** @type {Error} */ _error) => {};

  /** @param {ServerProcess} server @param {import('../load/http-dialects.mjs').HttpDialect} dialect */
  static async gather(server, dialect) {
    const audience = new Audience(server);
    for (let number = 0; number < receivers; number++) {
      await audience.#admit(dialect, number);
    }
    return audience;
  }

  /** @private @param {ServerProcess} server */
  constructor(server) {
    this.#server = server;
  }

  /** @param {import('../load/http-dialects.mjs').HttpDialect} dialect @param {number} number */
  async #admit({ begin, start, isPolling }, number) {
    const { port } = this.#server;
    const path = await begin(port, number);
    await new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#receivers.push(
        new HttpReceiver({
          port,
          path,
          isPolling,
          onResponse: (text) => {
            resolve(undefined);
            for (let at = text.indexOf('#'); at >= 0; at = text.indexOf('#', at + 1)) {
              this.#onText();
            }
          },
          onFailure: (error) => this.#fail(error),
        }),
      );
    });
    await start?.(port, path(''));
  }

  /** Sends texts for so long. @param {number} milliseconds @returns {Promise<number>} deliveries */
  listen(milliseconds) {
    return new Promise((resolve, reject) => {
      const end = performance.now() + milliseconds;
      const timer = setTimeout(() => reject(new Error('deliveries were lost')), milliseconds + patience);
      let deliveries = 0;
      let missing = receivers;
      const next = () => this.#server.broadcast([textOf(bytes, 1_000)]);
      this.#fail = reject;
      this.#onText = () => {
        deliveries++;
        if (--missing > 0) {
          return;
        }
        if (performance.now() < end) {
          missing = receivers;
          next();
        } else {
          clearTimeout(timer);
          resolve(deliveries);
        }
      };
      next();
    });
  }

  leave() {
    this.#fail = () => {};
    this.#receivers.forEach((receiver) => receiver.destroy());
  }
}
