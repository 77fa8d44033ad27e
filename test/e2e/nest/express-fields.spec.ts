import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

import { Controller, Get } from '@nestjs/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient, RS } from '../../support/core-client.js';
import { http } from '../../support/http.js';

setFlagsFromString('--allow-natives-syntax');
const haveSameShape = runInThisContext('(left, right) => %HaveSameMap(left, right)') as (
  left: object,
  right: object,
) => boolean;

@Hub('shaped')
class ShapedHub extends SignalRHub {
  @HubMethod()
  ping(): string {
    return 'pong';
  }
}

@Controller()
class PageController {
  @Get('page')
  page(): string {
    return 'the page';
  }
}

type Exchange = readonly [request: IncomingMessage, response: ServerResponse];
const ofMiddleware: unknown[] = [];
let app: TestApp;
let seen: Exchange[];

beforeEach(async () => {
  ofMiddleware.length = 0;
  app = await startApp({
    hubs: [ShapedHub],
    controllers: [PageController],
    configure: (nest) => {
      nest.use((request: Record<string, unknown>, response: Record<string, unknown>, next: () => void) => {
        const { originalUrl, baseUrl, params, body, user, res } = request;
        const { locals, statusCode, statusMessage, req } = response;
        const linked = res === response && req === request;
        ofMiddleware.push({ originalUrl, baseUrl, params, body, user, linked });
        ofMiddleware.push({ locals, statusCode, statusMessage });
        next();
      });
    },
  });
  seen = [];
  (app.app.getHttpServer() as Server).prependListener('request', (request, response) =>
    seen.push([request, response]),
  );
});

afterEach(() => app.close());

/** Everything that a Core client that polls, and a classic one with an event stream, ask for. */
async function visit(): Promise<void> {
  const hub = `${app.url}/signalr/shaped`;
  const { connectionToken } = await RawCoreClient.negotiate(hub);
  const connection = `${hub}?id=${connectionToken}`;
  await http('GET', connection);
  const body = `{"protocol":"json","version":1}${RS}{"type":1,"invocationId":"1","target":"ping","arguments":[]}${RS}`;
  await http('POST', connection, { body, headers: { 'Content-Type': 'text/plain;charset=UTF-8' } });
  expect((await http('GET', connection)).body).toContain('{}');
  await http('DELETE', connection);
  const negotiated = await RawClassicClient.negotiate(`${app.url}/signalr`, { hubs: ['shaped'] });
  const classic = new TransportClient(negotiated, 'serverSentEvents');
  await classic.connect();
  expect(await classic.invoke('shaped', 'ping')).toMatchObject({ R: 'pong' });
  await classic.end();
}

test('requests and responses of hubs keep a shape that others have as well', async () => {
  await visit();
  const before = seen.length;
  await visit();
  await visit();
  const count = (seen.length - before) / 2;
  expect(count).toBeGreaterThan(6);
  for (let index = 0; index < count; index++) {
    const [request, response] = seen[before + index] as Exchange;
    const [otherRequest, otherResponse] = seen[before + count + index] as Exchange;
    const what = `${request.method} ${request.url}`;
    expect(haveSameShape(request, otherRequest), `request ${what}`).toBe(true);
    expect(haveSameShape(response, otherResponse), `response ${what}`).toBe(true);
  }
});

test('middleware finds on them what it finds on others', async () => {
  expect((await http('GET', `${app.url}/page`)).body).toBe('the page');
  const ofOthers = ofMiddleware.splice(0);
  expect(ofOthers).toMatchObject([{ originalUrl: '/page', baseUrl: '', linked: true }, { statusCode: 200 }]);
  await http('GET', `${app.url}/signalr/ping`);
  const [request, response] = ofMiddleware;
  expect(request).toEqual({ ...(ofOthers[0] as object), originalUrl: '/signalr/ping' });
  expect(response).toEqual(ofOthers[1]);
});

test('what others have put on a request before stays there', async () => {
  (app.app.getHttpServer() as Server).prependListener('request', (request: object, response: object) => {
    Object.assign(request, { user: 'early', body: { early: true } });
    Object.assign(response, { locals: { early: true }, statusCode: 202 });
  });
  await http('GET', `${app.url}/signalr/ping`);
  const early = { early: true };
  expect(ofMiddleware).toMatchObject([
    { user: 'early', body: early },
    { locals: early, statusCode: 202 },
  ]);
});

test('what an application has given all requests stays visible', async () => {
  const users: unknown[] = [];
  const own = await startApp({
    hubs: [ShapedHub],
    configure: (nest) => {
      const { request } = nest.getHttpAdapter().getInstance() as { request: object };
      Object.defineProperty(request, 'user', { get: () => 'somebody' });
      nest.use(({ user }: { user?: unknown }, _: unknown, next: () => void) => {
        users.push(user);
        next();
      });
    },
  });
  await http('GET', `${own.url}/signalr/ping`);
  expect(users).toEqual(['somebody']);
  await own.close();
});

test('requests of others are left alone', async () => {
  const fields: string[][] = [];
  (app.app.getHttpServer() as Server).prependListener('request', (request: object) => {
    setImmediate(() => fields.push(Object.keys(request)));
  });
  await http('GET', `${app.url}/page`);
  expect(fields[0]).not.toContain('user');
});
