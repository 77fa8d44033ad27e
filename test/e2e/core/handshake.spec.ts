import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CoreHubOptions } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { FakeClock } from '../../support/fake-clock.js';
import { hubEvents, PlainHub } from './hubs.js';

const UNEXPECTED = 'An unexpected error occurred during connection handshake.';

describe.each(platforms)('core handshake on %s', (platform) => {
  const clock = new FakeClock();
  const apps: TestApp[] = [];
  let hub: string;
  let talkative: string;

  beforeAll(async () => {
    hub = await start({});
    talkative = await start({ enableDetailedErrors: true });
  });

  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    expect(apps.flatMap(({ logged }) => logged)).toEqual([]);
  });

  async function start(core: Partial<CoreHubOptions>): Promise<string> {
    const app = await startApp({ platform, hubs: [PlainHub], signalr: { clock, core } });
    apps.push(app);
    return `${app.url}/signalr/h`;
  }

  /** The error that a handshake is refused with; the connection has ended then, and the hub knows nothing of it. */
  async function errorOf(url: string, request: string): Promise<string> {
    const client = await RawCoreClient.open(url);
    client.send(request);
    return refusal(client);
  }

  async function refusal(client: RawCoreClient): Promise<string> {
    const { error, ...rest } = JSON.parse(await client.nextRecord('the refusal')) as { error: string };
    expect(rest).toEqual({});
    expect(await client.socket.closed).toEqual({ code: 1000, reason: '' });
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === client.connectionId)).toEqual([]);
    return error;
  }

  test.each([
    ['[core 36]', '{"protocol":"json","version":1}'],
    ['[core 37]', '{"version":1,"protocol":"json","x":[1]}'],
    ['[core 38]', '{"protocol":"JSON","version":1}'],
    ['version 2', '{"protocol":"json","version":2}'],
    ['version 0', '{"protocol":"json","version":0}'],
    ['version -1', '{"protocol":"json","version":-1}'],
  ])('%s is accepted: %s', async (_, request) => {
    const client = await RawCoreClient.open(hub);
    client.send(request);
    const { data, isBinary } = await client.socket.frames.next('the answer');
    expect([data.subarray(0, 3).toString('hex'), isBinary]).toEqual(['7b7d1e', false]);
    client.close();
  });

  test('[core 39] up to version 2, and no further', async () => {
    for (const version of [2, 0, -1]) {
      const client = await RawCoreClient.open(hub);
      client.send(`{"protocol":"json","version":${version}}`);
      expect(await client.nextRecord()).toBe('{}');
      client.close();
    }
    expect(await errorOf(hub, '{"protocol":"json","version":3}')).toBe(
      `The server does not support version 3 of the 'json' protocol.`,
    );
  });

  test('[core 40] a protocol that does not exist', async () => {
    expect(await errorOf(hub, '{"protocol":"xml","version":1}')).toBe(`The protocol 'xml' is not supported.`);
  });

  test('[core 41] a protocol that is not offered', async () => {
    expect(await errorOf(hub, '{"protocol":"messagepack","version":1}')).toBe(
      `The protocol 'messagepack' is not supported.`,
    );
  });

  test('[core 42] a missing member, with and without details', async () => {
    expect(await errorOf(hub, '{"version":1}')).toBe(UNEXPECTED);
    expect(await errorOf(talkative, '{"version":1}')).toBe(
      `${UNEXPECTED} InvalidDataException: Missing required property 'protocol'. Message content: {"version":1}`,
    );
    expect(await errorOf(talkative, '{"protocol":"json"}')).toBe(
      `${UNEXPECTED} InvalidDataException: Missing required property 'version'. Message content: {"protocol":"json"}`,
    );
  });

  test.each([
    ['{"protocol":5,"version":1}', ` InvalidDataException: Expected 'protocol' to be of type String.`],
    ['{"protocol":null,"version":1}', ` InvalidDataException: Expected 'protocol' to be of type String.`],
    [
      '{"protocol":"json","version":null}',
      ` InvalidDataException: Missing required property 'version'. Message content: {"protocol":"json","version":null}`,
    ],
    [
      '{"protocol":"json","version":1.5}',
      ' FormatException: Either the JSON value is not in a supported format, or is out of bounds for an Int32.',
    ],
    ['true', ` InvalidDataException: Unexpected JSON Token Type 'True'. Expected a JSON Object.`],
    ['{"protocol":"json","version":"1"}', ` InvalidDataException: Expected 'version' to be of type Number.`],
    ['[]', ` InvalidDataException: Unexpected JSON Token Type 'Array'. Expected a JSON Object.`],
  ])('with details the reason follows: %s', async (request, reason) => {
    expect(await errorOf(talkative, request)).toBe(UNEXPECTED + reason);
  });

  test('[core 43] no JSON', async () => {
    expect(await errorOf(hub, 'hello')).toBe(UNEXPECTED);
    expect(await errorOf(hub, '')).toBe(UNEXPECTED);
    expect(await errorOf(talkative, 'hello')).toMatch(new RegExp(`^${UNEXPECTED} JsonReaderException: .+`));
  });

  test('[core 44] nothing for 15 s', async () => {
    const client = await RawCoreClient.open(hub);
    await clock.advance(16_000);
    expect(await refusal(client)).toBe('Handshake was canceled.');
  });

  test('[core 45] too much of it', async () => {
    const client = await RawCoreClient.open(hub);
    client.socket.send('x'.repeat(33_000));
    expect(await refusal(client)).toBe('Handshake was canceled.');
  });

  test('[core 46] byte by byte', async () => {
    const client = await RawCoreClient.open(hub);
    for (const byte of Buffer.from('{"protocol":"json","version":1}\u001e')) {
      client.socket.send(Buffer.from([byte]));
    }
    expect(await client.nextRecord()).toBe('{}');
    client.close();
  });

  test('[core 47] together with a call', async () => {
    const client = await RawCoreClient.open(hub);
    client.send('{"protocol":"json","version":1}', {
      type: 1,
      invocationId: '1',
      target: 'add',
      arguments: [1, 2],
    });
    expect(await client.nextRecord()).toBe('{}');
    expect(await client.next()).toMatchObject({ target: 'welcome' });
    expect(await client.next()).toEqual({ type: 3, invocationId: '1', result: 3 });
    client.close();
  });

  test('[core 50] a failed handshake tells no hub', async () => {
    expect(await errorOf(hub, '{"protocol":"xml","version":1}')).toContain('not supported');
  });

  test('[core 51] a client that leaves before it', async () => {
    const client = await RawCoreClient.open(hub);
    client.close();
    await client.socket.closed;
    expect(client.socket.frames.pending).toEqual([]);
    expect(hubEvents.pending.filter(({ connectionId }) => connectionId === client.connectionId)).toEqual([]);
  });
});
