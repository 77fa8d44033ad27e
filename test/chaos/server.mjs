import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  getHubContextToken,
  Hub,
  HubMethod,
  MemoryBackplane,
  SignalRHub,
  SignalRModule,
} from 'nestjs-signalr';

/** Keep-alives are as frequent as may be, so that a line that stands still is noticed soon. */
const KEEP_ALIVE = 2_000;

/** How long a client may be away. */
const WINDOW = 60_000;

/** Nobody may be away for more than is kept: the run is about broken lines, not about limits. */
const MANY_MESSAGES = 100_000;
const MANY_BYTES = 1_000_000_000;

/** Every so manyth call takes its time, in milliseconds, so that clients are away when it ends. */
const SLOW_CALLS = 10;
const SLOW_CALL = 40;

/** Starts an application with one hub; the user of a client is a parameter of its requests. */
export async function startServer() {
  const server = { onCall: (_connectionId, _message) => {} };

  /** Decorators are called, because this runs without a compiler. */
  class ChaosHub extends SignalRHub {
    async count(message) {
      server.onCall(this.context.connectionId, message);
      if (message.number % SLOW_CALLS === 0) {
        await delay(SLOW_CALL);
      }
      return message;
    }
  }
  Hub('chaos')(ChaosHub);
  HubMethod()(ChaosHub.prototype, 'count', Object.getOwnPropertyDescriptor(ChaosHub.prototype, 'count'));

  class ChaosModule {}
  const signalr = SignalRModule.forRoot({
    backplane: new MemoryBackplane({ bufferSize: MANY_MESSAGES }),
    authenticate: ({ url }) => new URL(url, 'http://localhost').searchParams.get('user') ?? undefined,
    outbox: { maxMessages: MANY_MESSAGES, maxBytes: MANY_BYTES },
    classic: { keepAlive: KEEP_ALIVE },
    core: {
      allowStatefulReconnects: true,
      statefulReconnectBufferSize: MANY_BYTES,
      disconnectTimeout: WINDOW,
      keepAliveInterval: KEEP_ALIVE,
    },
  });
  Module({ imports: [signalr], providers: [ChaosHub] })(ChaosModule);
  const app = await NestFactory.create(ChaosModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  return Object.assign(server, {
    /** @type {number} */
    port: app.getHttpServer().address().port,
    /** @type {import('nestjs-signalr').IHubContext} */
    hub: app.get(getHubContextToken(ChaosHub), { strict: false }),
    close: () => app.close(),
  });
}
