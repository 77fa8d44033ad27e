import type { Server } from 'node:http';
import { createRequire } from 'node:module';

import { HttpTransportType, type IHttpConnectionOptions, TransferFormat } from '@microsoft/signalr';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { coreTransports } from '../../support/core-lines.js';
import { Inbox } from '../../support/inbox.js';
import { BytesHandler, EchoHandler, happenings, next } from './handlers.js';

/** What a hub connection of the JavaScript client stands on. */
interface HttpConnection {
  readonly connectionId: string;
  onreceive: (data: string | ArrayBuffer) => void;
  onclose: (error?: Error) => void;
  start(format?: TransferFormat): Promise<void>;
  send(data: string | ArrayBuffer): Promise<void>;
  stop(): Promise<void>;
}

// It is part of the package, but not of its index.
const { HttpConnection } = createRequire(import.meta.url)(
  '@microsoft/signalr/dist/cjs/HttpConnection.js',
) as {
  HttpConnection: new (url: string, options: IHttpConnectionOptions) => HttpConnection;
};

describe.each(platforms)(
  'HttpConnection of @microsoft/signalr with connection handlers on %s',
  (platform) => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({ platform, hubs: [], providers: [EchoHandler, BytesHandler] });
    });

    afterEach(() => happenings.clear());

    afterAll(async () => {
      const closing = app.close();
      // The client opens lines ahead that it never uses; a server would wait until it gives them up.
      (app.app.getHttpServer() as Server).closeAllConnections();
      await closing;
      expect(app.logged.filter((line) => !line.includes('the handler failed'))).toEqual([]);
    });

    interface Client {
      readonly connection: HttpConnection;
      readonly received: Inbox<string | ArrayBuffer>;
      readonly closed: Promise<Error | undefined>;
    }

    async function start(
      path: string,
      format: TransferFormat | undefined,
      options: IHttpConnectionOptions = {},
    ): Promise<Client> {
      const connection = new HttpConnection(app.url + path, { logger: { log: () => undefined }, ...options });
      const received = new Inbox<string | ArrayBuffer>();
      connection.onreceive = (data) => received.put(data);
      const closed = new Promise<Error | undefined>((resolve) => (connection.onclose = resolve));
      await connection.start(format);
      return { connection, received, closed };
    }

    test.each(coreTransports)('texts over %s', async (name) => {
      const transport = HttpTransportType[name];
      const { connection, received, closed } = await start('/echo', TransferFormat.Text, { transport });
      const { id } = (await next('connected')).connection;
      expect(connection.connectionId).toBe(id);
      for (const text of ['one', 'zwei 😀', '{"three":3}']) {
        await connection.send(text);
        expect(await received.next('the echo')).toBe(text);
      }
      await connection.stop();
      expect(await closed).toBeUndefined();
      expect((await next('disconnected', id)).error).toBeUndefined();
    });

    test.each(['WebSockets', 'LongPolling'] as const)('bytes over %s', async (name) => {
      const transport = HttpTransportType[name];
      const { connection, received } = await start('/raw/bytes', TransferFormat.Binary, { transport });
      const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
      await connection.send(bytes.buffer);
      expect(new Uint8Array((await received.next('the echo')) as ArrayBuffer)).toEqual(bytes);
      await connection.stop();
      await next('disconnected');
    });

    test('a client that does not say what it wants gets texts as well', async () => {
      const { connection, received } = await start('/echo', undefined);
      await connection.send('x');
      expect(await received.next('the echo')).toBe('x');
      await connection.stop();
      await next('disconnected');
    });

    test('a socket without negotiation', async () => {
      const transport = HttpTransportType.WebSockets;
      const { connection, received } = await start('/echo', TransferFormat.Text, {
        transport,
        skipNegotiation: true,
      });
      await connection.send('x');
      expect(await received.next('the echo')).toBe('x');
      await connection.stop();
      await next('disconnected');
    });

    test('texts are not for handlers of bytes, and the client says so', async () => {
      await expect(start('/raw/bytes', TransferFormat.Text)).rejects.toThrow(/does not support Text/);
      await expect(
        start('/raw/bytes', TransferFormat.Binary, { transport: HttpTransportType.ServerSentEvents }),
      ).rejects.toThrow(/not supported by the server|Unable to connect/);
    });

    test.each(coreTransports)('the end that the server makes is heard over %s', async (name) => {
      const transport = HttpTransportType[name];
      const { connection, received, closed } = await start('/echo', TransferFormat.Text, { transport });
      await connection.send('close');
      expect(await received.next('the last words')).toBe('the last words');
      await closed;
      await next('disconnected');
    });

    test('a handler that fails is an error for the client of a socket', async () => {
      const transport = HttpTransportType.WebSockets;
      const { connection, closed } = await start('/echo', TransferFormat.Text, { transport });
      await connection.send('fail');
      expect((await closed)?.message).toContain('1011');
    });
  },
);
