/** One node of a farm, in a process of its own: it can be killed. Its parent tells it what to send. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getHubContextToken, Hub, HubMethod, SignalRHub, SignalRModule } from 'nestjs-signalr';
import { redisBackplane } from 'nestjs-signalr/redis';
import { answerParent } from '../../support/processes/parent.mjs';

/** @typedef {{ port: number, redisUrl: string, mode: 'streams' | 'pubsub' }} NodeSettings */

/** @type {NodeSettings} */
const { port, redisUrl, mode } = JSON.parse(process.argv[2]);

/** Keep-alives are as frequent as may be, so that a line that stands still is noticed soon. */
const KEEP_ALIVE = 2_000;

const parameter = (url, name) => new URL(url, 'http://localhost').searchParams.get(name) ?? undefined;

/** Members join by themselves, so that they are in their group again as a new connection. */
class ChaosHub extends SignalRHub {
  async onConnected() {
    await this.groups.add(this.context.connectionId, this.context.queryString.get('group'));
  }

  ready() {}
}
Hub('chaos')(ChaosHub);
HubMethod()(ChaosHub.prototype, 'ready', Object.getOwnPropertyDescriptor(ChaosHub.prototype, 'ready'));

class ChaosModule {}
Module({
  imports: [
    SignalRModule.forRoot({
      secret: 'the nodes of the farm share it',
      backplane: redisBackplane({
        url: redisUrl,
        keyPrefix: 'chaos',
        mode,
        bufferSize: 100_000,
        leaseDuration: 3_000,
      }),
      authenticate: ({ url }) => parameter(url, 'user'),
      classic: { keepAlive: KEEP_ALIVE },
      core: { keepAliveInterval: KEEP_ALIVE },
      outbox: { maxBytes: 64 * 1_048_576, maxMessages: 100_000 },
    }),
  ],
  providers: [ChaosHub],
})(ChaosModule);

const app = await NestFactory.create(ChaosModule, { logger: ['fatal'] });
await app.listen(port, '127.0.0.1');
/** @type {import('nestjs-signalr').IHubContext} */
const hub = app.get(getHubContextToken(ChaosHub), { strict: false });

/** @param {{ kind: 'all' | 'group' | 'user' | 'client', name: string, message: unknown }} order */
async function send({ kind, name, message }) {
  const { clients } = hub;
  const select = {
    all: () => clients.all,
    group: () => clients.group(name),
    user: () => clients.user(name),
    client: () => clients.client(name),
  };
  await select[kind]().take(message);
}

answerParent(port, send);
