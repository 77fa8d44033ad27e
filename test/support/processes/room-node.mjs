/** One node of a farm with a room, in a process of its own. Its parent tells it what to say. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  getHubContextToken,
  Hub,
  HubMethod,
  HubProgress,
  HubStream,
  SignalRHub,
  SignalRModule,
} from 'nestjs-signalr';
import { MessagePackHubProtocol } from 'nestjs-signalr/msgpack';
import { redisBackplane } from 'nestjs-signalr/redis';
import { answerParent, parentLogger } from './parent.mjs';

/**
 * @typedef {{ name: string, platform: 'express' | 'fastify', port: number, redisUrl: string, keyPrefix: string }} RoomNodeSettings
 * @type {RoomNodeSettings}
 */
const { name, platform, port, redisUrl, keyPrefix } = JSON.parse(process.argv[2]);

/** How long, in milliseconds, a killed node counts as alive: clients do not have to wait for longer. */
const LEASE_DURATION = 2_000;

/** @param {import('nestjs-signalr').HubClients} clients @param {import('../room-table.js').RoomMessage[]} messages */
async function speak(clients, messages) {
  for (const { selector, args, text } of messages) {
    const selection = args === null ? clients[selector] : clients[selector](...args);
    await selection.hear(text);
  }
}

class RoomHub extends SignalRHub {
  /** Joins groups, and tells who called and which node has the connection. */
  async enter(groups) {
    for (const group of groups) {
      await this.groups.add(this.context.connectionId, group);
    }
    return { id: this.context.connectionId, node: name };
  }

  speak(messages) {
    return speak(this.clients, messages);
  }

  echo(value) {
    return value;
  }

  async *count(to) {
    for (let value = 1; value <= to; value++) {
      yield value;
    }
  }

  async *double(values) {
    for await (const value of values) {
      yield value * 2;
    }
  }

  async work(steps, progress) {
    for (let step = 1; step <= steps; step++) {
      await progress.report(step);
    }
    return 'done';
  }

  /** Asks any client. */
  ask(id, question) {
    return this.clients.client(id).invoke('answer', question);
  }
}
// Decorators are called, because this runs without a compiler.
Hub('roomHub')(RoomHub);
for (const method of ['enter', 'speak', 'echo', 'count', 'double', 'work', 'ask']) {
  HubMethod()(RoomHub.prototype, method, Object.getOwnPropertyDescriptor(RoomHub.prototype, method));
}
HubStream()(RoomHub.prototype, 'double', 0);
HubProgress()(RoomHub.prototype, 'work', 1);

class RoomModule {}
Module({
  imports: [
    SignalRModule.forRoot({
      secret: 'the nodes of the farm share it',
      backplane: redisBackplane({ url: redisUrl, keyPrefix, leaseDuration: LEASE_DURATION }),
      authenticate: ({ url }) => new URL(url, 'http://localhost').searchParams.get('user') ?? undefined,
      hubProtocols: [new MessagePackHubProtocol()],
      core: { allowStatefulReconnects: true },
    }),
  ],
  providers: [RoomHub],
})(RoomModule);

const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(RoomModule, adapter, { logger: parentLogger });
// Browsers ask for it and complain if there is none.
app.use('/favicon.ico', (_request, response) => response.writeHead(204).end());
await app.listen(port, '127.0.0.1');

/** @type {import('nestjs-signalr').IHubContext} */
const hub = app.get(getHubContextToken(RoomHub), { strict: false });

const orders = {
  speak: (messages) => speak(hub.clients, messages),
  join: (id, group) => hub.groups.add(id, group),
  ask: (id, question) => hub.clients.client(id).invoke('answer', question),
};

answerParent(app.getHttpServer().address().port, async ({ order, args }) => orders[order](...args));
