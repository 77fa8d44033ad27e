import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Hub, HubMethod, InjectHubContext, SignalRHub, SignalRModule } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';
import { nextGroup, serve, setting, usesGroups } from './control.mjs';
import { decorateClass, decorateConstructorParameter, decorateMethod } from './decorate.mjs';

/**
 * `messagepack` adds that hub protocol, `fastify` takes the place of Express, `mounted` serves hubs straight from the HTTP server, `redis=url` makes the process a node of a farm, in the
 * mode `mode=streams` or `mode=pubsub`.
 */
const settings = process.argv.slice(2);

/** One hub, and both families of clients may use it. */
class EchoHub extends SignalRHub {
  /** @param {unknown} value */
  echo(value) {
    return value;
  }

  onConnected() {
    return usesGroups ? this.groups.add(this.context.connectionId, nextGroup()) : undefined;
  }
}
decorateMethod(EchoHub, 'echo', HubMethod());
decorateClass(EchoHub, Hub('echoHub'));

/** Sends from outside of the hub, as services of an application do. */
class Announcer {
  /** @param {import('nestjs-signalr').IHubContext<EchoHub>} hub */
  constructor(hub) {
    this.hub = hub;
  }

  /** @param {string[]} texts */
  announce(texts) {
    return Promise.all(texts.map((text) => this.hub.clients.all.notify(text)));
  }

  /** @param {string[]} texts @param {string[]} names */
  tellGroups(texts, names) {
    return Promise.all(
      texts.flatMap((text) => names.map((name) => this.hub.clients.group(name).notify(text))),
    );
  }
}
decorateConstructorParameter(Announcer, 0, InjectHubContext(EchoHub));
decorateClass(Announcer, Injectable());

const mount = settings.includes('mounted') ? 'server' : 'middleware';
const hubProtocols = settings.includes('messagepack') ? [new MessagePackHubProtocol()] : [];

async function farmOptions() {
  const url = setting('redis');
  if (url === undefined) {
    return {};
  }
  const { redisBackplane } = await import('nestjs-signalr/redis');
  return {
    secret: 'shared by the nodes of a farm',
    backplane: redisBackplane({ url, mode: setting('mode') }),
  };
}

class AppModule {}
decorateClass(
  AppModule,
  Module({
    imports: [SignalRModule.forRoot({ path: '/signalr', hubProtocols, mount, ...(await farmOptions()) })],
    providers: [EchoHub, Announcer],
  }),
);

const platform = settings.includes('fastify') ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, platform, { logger: ['error'] });
await app.listen(0, '127.0.0.1');

const announcer = app.get(Announcer);
serve(app.getHttpServer(), {
  broadcast: (texts) => announcer.announce(texts),
  groups: (texts, names) => announcer.tellGroups(texts, names),
});
