import { RawCoreClient } from '../../../support/core-client.js';
import { coreTransports, openLine } from '../../../support/core-lines.js';
import { http, refusedUpgrade } from '../../../support/http.js';
import { RawWebSocket } from '../../../support/web-socket.js';
import { type Script, type Stage, summary } from '../stage.js';

/** A new connection, as requests name it. */
async function negotiated(stage: Stage, path = 'rawText'): Promise<string> {
  const { connectionToken } = await RawCoreClient.negotiate(stage.url(path));
  return `${path}?id=${connectionToken}`;
}

const socketUrl = (stage: Stage, path: string): string => stage.url(path).replace('http', 'ws');

/** Connections without the hub protocol. */
export const handlerScripts: readonly Script[] = [
  {
    name: 'connection handlers: negotiation and requests without a connection',
    async play(stage) {
      for (const path of ['rawText', 'rawBytes']) {
        for (const query of ['', '?negotiateVersion=1', '?negotiateVersion=1&useStatefulReconnect=true']) {
          await stage.request(`negotiate ${path}${query}`, 'POST', `${path}/negotiate${query}`);
        }
        await stage.request(`GET ${path}/negotiate`, 'GET', `${path}/negotiate`);
        for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH']) {
          await stage.request(`${method} ${path}`, method, path);
          await stage.request(`${method} ${path} unknown`, method, `${path}?id=unknown`);
        }
        stage.note(`upgrade ${path} unknown`, summary(await refusedUpgrade(stage.url(`${path}?id=unknown`))));
      }
    },
  },
  {
    name: 'connection handlers: a life over each transport',
    async play(stage) {
      for (const transport of coreTransports) {
        for (const last of ['close', 'fail']) {
          const line = await openLine(transport, stage.url(await negotiated(stage)));
          line.send('grüße');
          stage.note(`${transport} ${last}: the echo`, await line.nextText());
          line.send(last);
          stage.note(
            `${transport} ${last}: the last words`,
            last === 'close' ? await line.nextText() : undefined,
          );
          await line.ended;
        }
      }
    },
  },
  {
    name: 'connection handlers: sockets',
    async play(stage) {
      for (const path of ['rawText', 'rawBytes']) {
        const socket = await RawWebSocket.open(socketUrl(stage, path));
        for (const sent of ['text', Buffer.from('bytes')]) {
          socket.send(sent);
          const { data, isBinary } = await socket.frames.next('the echo');
          stage.note(`${path} ${sent.toString()}`, { data: data.toString(), isBinary });
        }
        socket.send('close');
        await socket.frames.next('the last words');
        stage.note(`${path}: the close`, await socket.closed);
        const failing = await RawWebSocket.open(socketUrl(stage, path));
        failing.send('fail');
        stage.note(`${path}: the failure`, await failing.closed);
      }
    },
  },
  {
    name: 'connection handlers: polls',
    async play(stage) {
      for (const path of ['rawText', 'rawBytes']) {
        const url = await negotiated(stage, path);
        await stage.request(`${path}: DELETE before the first poll`, 'DELETE', url);
        await stage.request(`${path}: POST before the first poll`, 'POST', url, { body: 'early' });
        await stage.request(`${path}: the first poll`, 'GET', url);
        await stage.request(`${path}: what was early`, 'GET', url);
        await stage.request(`${path}: POST`, 'POST', url, { body: Buffer.from([1, 2, 3, 65, 127]) });
        const { status, bytes } = await http('GET', stage.url(url));
        stage.note(`${path}: the echo`, { status, bytes: bytes.toString('hex') });
        stage.note(`${path}: a socket instead`, summary(await refusedUpgrade(stage.url(url))));
        await stage.request(`${path}: the last POST`, 'POST', url, { body: 'close' });
        await stage.request(`${path}: the last words`, 'GET', url);
        await stage.request(`${path}: the end`, 'GET', url);
      }
      const url = await negotiated(stage);
      await stage.request('ended by the client: the first poll', 'GET', url);
      await stage.request('ended by the client: DELETE', 'DELETE', url);
    },
  },
  {
    name: 'connection handlers: events',
    async play(stage) {
      const line = await openLine('ServerSentEvents', stage.url(await negotiated(stage)));
      for (const text of ['one', 'a\nb', 'a\r\nb', 'a\n', '\n', '{"a": 1}']) {
        line.send(text);
        stage.note(JSON.stringify(text), await line.nextText());
      }
      line.close();
    },
  },
];
