import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { nextGroup, serve, usesGroups } from './control.mjs';
import { decorateClass, decorateMethod, decorateParameter, decorateProperty } from './decorate.mjs';

/** A Nest gateway on socket.io the way the documentation of Nest shows it; what a handler returns is the acknowledgement. */
class EchoGateway {
  /** Set by Nest. @type {import('socket.io').Server} */
  server = /** @type {any} */ (undefined);

  /** @param {string} text */
  echo(text) {
    return text;
  }

  /** @param {import('socket.io').Socket} socket */
  handleConnection(socket) {
    return usesGroups ? socket.join(nextGroup()) : undefined;
  }

  /** @param {string[]} texts */
  broadcast(texts) {
    for (const text of texts) {
      this.server.emit('notify', text);
    }
  }

  /** @param {string[]} texts @param {string[]} names */
  groups(texts, names) {
    for (const text of texts) {
      names.forEach((name) => this.server.to(name).emit('notify', text));
    }
  }
}
decorateProperty(EchoGateway, 'server', WebSocketServer());
decorateParameter(EchoGateway, 'echo', 0, MessageBody());
decorateMethod(EchoGateway, 'echo', SubscribeMessage('echo'));
decorateClass(EchoGateway, WebSocketGateway({ transports: ['websocket'], serveClient: false }));

class AppModule {}
decorateClass(AppModule, Module({ providers: [EchoGateway] }));

const app = await NestFactory.create(AppModule, { logger: false });
app.useWebSocketAdapter(new IoAdapter(app));
await app.listen(0, '127.0.0.1');

const gateway = app.get(EchoGateway);
serve(app.getHttpServer(), {
  broadcast: (texts) => gateway.broadcast(texts),
  groups: (texts, names) => gateway.groups(texts, names),
});
