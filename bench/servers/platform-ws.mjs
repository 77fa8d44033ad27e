import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { serve } from './control.mjs';
import { decorateClass, decorateMethod, decorateParameter, decorateProperty } from './decorate.mjs';

/** A Nest gateway the way the documentation of Nest shows it. */
class EchoGateway {
  /** Set by Nest. @type {import('ws').WebSocketServer} */
  server = /** @type {any} */ (undefined);

  /** @param {{ id: number, text: string }} message */
  echo(message) {
    return { event: 'echo', data: message };
  }

  /** @param {string[]} texts */
  broadcast(texts) {
    for (const text of texts) {
      const message = JSON.stringify({ event: 'notify', data: text });
      for (const socket of this.server.clients) {
        socket.send(message);
      }
    }
  }
}
decorateProperty(EchoGateway, 'server', WebSocketServer());
decorateParameter(EchoGateway, 'echo', 0, MessageBody());
decorateMethod(EchoGateway, 'echo', SubscribeMessage('echo'));
decorateClass(EchoGateway, WebSocketGateway({ perMessageDeflate: false }));

class AppModule {}
decorateClass(AppModule, Module({ providers: [EchoGateway] }));

const app = await NestFactory.create(AppModule, { logger: false });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');

const gateway = app.get(EchoGateway);
serve(app.getHttpServer(), { broadcast: (texts) => gateway.broadcast(texts) });
