import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getHubContextToken, Hub, MemoryBackplane, SignalRHub, SignalRModule } from 'nestjs-signalr';

/** Decorators are called, because this runs without a compiler. */
class ChaosHub extends SignalRHub {}
Hub('chaos')(ChaosHub);

/** Keep-alives are as frequent as may be, so that a line that stands still is noticed soon. */
const KEEP_ALIVE = 2_000;

/** Nobody may be away for more messages than are kept: the run is about broken lines, not about limits. */
const BUFFER_SIZE = 100_000;

/** Starts an application with one hub; the user of a client is a parameter of its requests. */
export async function startServer() {
  class ChaosModule {}
  const signalr = SignalRModule.forRoot({
    backplane: new MemoryBackplane({ bufferSize: BUFFER_SIZE }),
    authenticate: ({ url }) => new URL(url, 'http://localhost').searchParams.get('user') ?? undefined,
    classic: { keepAlive: KEEP_ALIVE },
  });
  Module({ imports: [signalr], providers: [ChaosHub] })(ChaosModule);
  const app = await NestFactory.create(ChaosModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return {
    /** @type {number} */
    port: app.getHttpServer().address().port,
    /** @type {import('nestjs-signalr').IHubContext} */
    hub: app.get(getHubContextToken(ChaosHub), { strict: false }),
    close: () => app.close(),
  };
}
