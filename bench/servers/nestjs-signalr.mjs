import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Hub, HubMethod, InjectHubContext, SignalRHub, SignalRModule } from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';
import { serve } from './control.mjs';
import { decorateClass, decorateConstructorParameter, decorateMethod } from './decorate.mjs';

/** One hub, and both families of clients may use it. */
class EchoHub extends SignalRHub {
  /** @param {unknown} value */
  echo(value) {
    return value;
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
}
decorateConstructorParameter(Announcer, 0, InjectHubContext(EchoHub));
decorateClass(Announcer, Injectable());

const hubProtocols = process.argv[2] === 'messagepack' ? [new MessagePackHubProtocol()] : [];

class AppModule {}
decorateClass(
  AppModule,
  Module({
    imports: [SignalRModule.forRoot({ path: '/signalr', hubProtocols })],
    providers: [EchoHub, Announcer],
  }),
);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');

const announcer = app.get(Announcer);
serve(app.getHttpServer(), (texts) => announcer.announce(texts));
