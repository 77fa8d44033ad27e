import { Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TRACE_SOURCES, type TracingOption } from 'nestjs-signalr';

import { startApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { TransportClient } from '../../support/classic-transports.js';
import { ChatHub } from '../classic/hubs.js';

interface Line {
  readonly level: LogLevel;
  readonly text: string;
  readonly source: string;
}

/** What was traced by the library. */
let lines: Line[] = [];

const record =
  (level: LogLevel) =>
  (text: unknown, ...rest: unknown[]): void => {
    lines.push({ level, text: String(text), source: String(rest.at(-1)) });
  };

const logger: LoggerService = {
  log: record('log'),
  warn: record('warn'),
  error: record('error'),
  debug: record('debug'),
  verbose: record('verbose'),
};

/** A client comes, calls, is called, loses its line, comes back and goes, with tracing as given. */
async function visit(tracing?: TracingOption): Promise<{ sources: Set<string>; secrets: string[] }> {
  lines = [];
  const secret = 'the-secret-of-the-server';
  const app = await startApp({
    hubs: [ChatHub],
    signalr: { secret, ...(tracing !== undefined && { tracing }) },
    configure: (nest) => nest.useLogger(logger),
  });
  const negotiated = await RawClassicClient.negotiate(`${app.url}/signalr`, {
    hubs: ['chatHub'],
    query: 'access_token=confidential',
  });
  const client = new TransportClient(negotiated, 'serverSentEvents');
  await client.connect();
  await negotiated.request('start');
  await client.invoke('chatHub', 'join', 'room');
  await client.nextFrame(({ G }) => G !== undefined);
  await client.drop();
  await client.reconnect();
  await client.invoke('chatHub', 'broadcast', 'what was said');
  await client.nextTexts(1);
  const secrets = [negotiated.negotiation.ConnectionToken, client.groupsToken ?? '', 'confidential', secret];
  await client.end();
  await app.close();
  const traced = lines.filter(({ source, level }) => source.startsWith('SignalR') && level !== 'log');
  lines = traced;
  return { sources: new Set(traced.map(({ source }) => source)), secrets };
}

describe('tracing', () => {
  beforeAll(() => Logger.overrideLogger(logger));
  afterAll(() => Logger.overrideLogger(false));

  test('is off by default', async () => {
    expect((await visit()).sources).toEqual(new Set());
  });

  test('tells what every part does', async () => {
    const { sources } = await visit('verbose');
    for (const source of [
      'SignalR.HubDispatcher',
      'SignalR.PersistentConnection',
      'SignalR.Connection',
      'SignalR.MessageBus',
      'SignalR.Transports.ServerSentEventsTransport',
      'SignalR.ReflectedHubDescriptorProvider',
    ]) {
      expect(sources).toContain(source);
    }
    for (const source of sources) {
      expect(TRACE_SOURCES).toContain(source);
    }
  });

  test.each(['debug', true] as const)('%s tells what happens, not what is sent', async (tracing) => {
    await visit(tracing);
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['debug']));
  });

  test('levels by name, and by the beginning of names; what is named later wins', async () => {
    const { sources } = await visit({
      'SignalR.*': 'debug',
      'SignalR.Hub*': false,
      'SignalR.PersistentConnection': false,
      'SignalR.Connection': false,
    });
    expect(sources).not.toContain('SignalR.HubDispatcher');
    expect(sources).toContain('SignalR.Transports.ServerSentEventsTransport');
    const only = await visit({ 'SignalR.HubDispatcher': 'verbose' });
    expect(only.sources).toEqual(new Set(['SignalR.HubDispatcher']));
  });

  test('no token, secret or text of a message is traced', async () => {
    const { secrets } = await visit('verbose');
    const all = lines.map(({ text }) => text).join('\n');
    expect(all).not.toBe('');
    for (const secret of [...secrets, 'what was said']) {
      expect(secret).not.toBe('');
      expect(all).not.toContain(secret);
    }
  });
});
