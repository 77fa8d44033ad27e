import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { getHubContextToken, type IHubContext } from 'nestjs-signalr';

import { SignalRServer } from '../../lib/nest/signalr.server.js';
import { platforms, startApp, type TestApp } from '../support/app.js';
import { RawClassicClient } from '../support/classic-client.js';
import { RawCoreClient } from '../support/core-client.js';
import { TalkHub } from '../support/talk-hub.js';
import type { RawWebSocket } from '../support/web-socket.js';

const MAX_MESSAGES = 40;
/** More than the buffers of the operating system take from us, by far. */
const ROUNDS = 300;
const TEXT = 'x'.repeat(100_000);
/** What the socket of a peer that does not read may have taken beside the outbox: what is written in one turn. */
const ONE_TURN = 2 * TEXT.length;

/** A client that hears numbers. */
interface Listener {
  readonly connectionId: string;
  readonly socket: RawWebSocket;
  /** The number of the next message that it hears. */
  hear(): Promise<number>;
}

async function connectCore(url: string): Promise<Listener> {
  const client = await RawCoreClient.connect(`${url}/signalr/talkHub`);
  return {
    connectionId: client.connectionId as string,
    socket: client.socket,
    async hear() {
      const { arguments: args } = await client.next('a number');
      return (args as [number])[0];
    },
  };
}

async function connectClassic(url: string): Promise<Listener> {
  const client = await RawClassicClient.connect(`${url}/signalr`, { hubs: ['talkHub'] });
  const heard: number[] = [];
  return {
    connectionId: client.connectionId,
    socket: client.socket,
    async hear() {
      while (heard.length === 0) {
        const { M: calls = [] } = await client.nextFrame('a number');
        heard.push(...calls.map(({ A: args }) => args[0] as number));
      }
      return heard.shift() as number;
    },
  };
}

/** How much waits in a socket: in its stream, and below it where frames go at once. */
function keptBy(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { writeQueueSize: number } | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}

const families = [
  { family: 'core', connect: connectCore },
  { family: 'classic', connect: connectClassic },
];

describe.each(platforms)('a receiver that never reads, on %s', (platform) => {
  let app: TestApp;
  let talk: IHubContext<TalkHub>;
  let sockets: Socket[];

  beforeEach(async () => {
    app = await startApp({
      platform,
      hubs: [TalkHub],
      signalr: { outbox: { maxMessages: MAX_MESSAGES, maxBytes: 1e9, policy: 'dropOldest' } },
    });
    talk = app.app.get<IHubContext<TalkHub>>(getHubContextToken(TalkHub), { strict: false });
    sockets = [];
    (app.app.getHttpServer() as Server).on('connection', (socket: Socket) => sockets.push(socket));
  });

  afterEach(async () => {
    expect(app.logged).toEqual([]);
    await app.close();
  });

  test.each(families)('costs what its outbox may hold, and others nothing ($family)', async ({ connect }) => {
    const others = [await connectCore(app.url), await connectClassic(app.url)];
    const deaf = await connect(app.url);
    deaf.socket.socket.pause();
    const connection = app.app.get(SignalRServer, { strict: false })['registry'].get(deaf.connectionId);
    let mostWaiting = 0;
    let mostInSockets = 0;
    for (let number = 0; number < ROUNDS; number++) {
      await talk.clients.all.hear(number, TEXT);
      mostWaiting = Math.max(mostWaiting, connection?.['outbox'].length ?? 0);
      expect(await Promise.all(others.map((other) => other.hear()))).toEqual([number, number]);
      mostInSockets = Math.max(mostInSockets, ...sockets.map(keptBy));
    }
    expect(mostWaiting).toBe(MAX_MESSAGES);
    expect(mostInSockets).toBeGreaterThan(0);
    expect(mostInSockets).toBeLessThanOrEqual(ONE_TURN);

    // It is still there: what was kept for it are the latest messages.
    deaf.socket.socket.resume();
    let last = -1;
    const heard: number[] = [];
    while (last < ROUNDS - 1) {
      last = await deaf.hear();
      heard.push(last);
    }
    expect(heard.slice(-MAX_MESSAGES)).toEqual(
      Array.from({ length: MAX_MESSAGES }, (_, index) => ROUNDS - MAX_MESSAGES + index),
    );
    expect(heard.length).toBeLessThan(ROUNDS);
    [deaf, ...others].forEach(({ socket }) => socket.close());
  });
});
