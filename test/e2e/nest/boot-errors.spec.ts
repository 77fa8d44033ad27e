import { Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub, SignalRModule, type SignalRModuleOptions } from 'nestjs-signalr';

/** What the start of an application with these hubs fails with. */
async function failureOf(hubs: readonly Type[], options: SignalRModuleOptions = {}): Promise<unknown> {
  try {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot(options)],
      providers: [...hubs],
    }).compile();
    const app = testing.createNestApplication();
    await app.init();
    await app.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

function hub(name: string | undefined, className = 'SomeHub'): Type {
  const type = { [className]: class extends SignalRHub {} }[className] as Type;
  Hub(name)(type);
  return type;
}

@Hub()
class AmbiguousHub extends SignalRHub {
  @HubMethod('say')
  sayOne(text: string): string {
    return text;
  }

  @HubMethod('SAY')
  sayMore(text: string, loud = false): string {
    return text + String(loud);
  }
}

@Hub()
class ReservedHub extends SignalRHub {
  @HubMethod()
  override onConnected(): void {}
}

@Injectable()
class Stray {
  @HubMethod()
  lost(): void {}
}

describe('an application that cannot work does not start', () => {
  const cases: readonly (readonly [code: string, hubs: readonly Type[], message: string | RegExp])[] = [
    [
      'SIGNALR_HUB_NAME_TAKEN',
      [hub('chat', 'First'), hub('CHAT', 'Second')],
      `Two Hubs must not share the same name. 'First' and 'Second' both share the name 'CHAT'.`,
    ],
    ['SIGNALR_HUB_NAME_INVALID', [hub('a.b')], `The hub name 'a.b' is invalid.`],
    ['SIGNALR_HUB_NAME_INVALID', [hub('a/b')], `The hub name 'a/b' is invalid.`],
    [
      'SIGNALR_HUB_PATH_TAKEN',
      [hub('Start')],
      `The path '/signalr/Start' of hub 'Start' is already used by classic clients.`,
    ],
    [
      'SIGNALR_METHODS_AMBIGUOUS',
      [AmbiguousHub],
      /^Hub 'AmbiguousHub' has several methods 'SAY' that take 1/,
    ],
    ['SIGNALR_METHOD_RESERVED', [ReservedHub], /'onConnected' cannot be a hub method/],
    ['SIGNALR_METHOD_OUTSIDE_HUB', [Stray], /^Stray\.lost has @HubMethod\(\), but Stray has no @Hub\(\)/],
  ];

  test.each(cases)('%s', async (code, hubs, message) => {
    const error = await failureOf(hubs);
    expect(error).toMatchObject({ name: 'SignalRError', code });
    expect((error as Error).message).toMatch(message);
  });

  test('SIGNALR_HUB_PATH_TAKEN between two hubs', async () => {
    const [first, second] = [hub('one', 'One'), class Two extends SignalRHub {}];
    Hub({ name: 'two', path: '/signalr/ONE' })(second);
    expect(await failureOf([first, second])).toMatchObject({
      message: `The path '/signalr/ONE' of hub 'two' is already used by hub 'one'.`,
    });
  });

  test('SIGNALR_HUB_PROVIDED_TWICE', async () => {
    const type = hub('twice', 'TwiceHub');
    @Module({ providers: [type] })
    class FirstModule {}
    @Module({ providers: [type] })
    class SecondModule {}
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot(), FirstModule, SecondModule],
    }).compile();
    await expect(testing.createNestApplication().init()).rejects.toMatchObject({
      code: 'SIGNALR_HUB_PROVIDED_TWICE',
      message: `Hub 'TwiceHub' is a provider of two modules, 'FirstModule' and 'SecondModule'. Provide it in one and import that module.`,
    });
  });

  test('SIGNALR_MODULE_TWICE', async () => {
    const testing = await Test.createTestingModule({
      imports: [SignalRModule.forRoot(), SignalRModule.forRoot({ path: '/other' })],
    }).compile();
    await expect(testing.createNestApplication().init()).rejects.toMatchObject({
      code: 'SIGNALR_MODULE_TWICE',
    });
  });

  const badOptions: readonly (readonly [options: unknown, message: string])[] = [
    [{ pth: '/x' }, `SignalR option 'pth' does not exist.`],
    [{ core: { nope: 1 } }, `SignalR option 'core.nope' does not exist.`],
    [{ classic: { nope: 1 } }, `SignalR option 'classic.nope' does not exist.`],
    [{ path: 'signalr' }, `SignalR option 'path': must start with a slash and end without one.`],
    [{ path: '/signalr/' }, `SignalR option 'path': must start with a slash and end without one.`],
    [{ useGlobalPrefix: 1 }, `SignalR option 'useGlobalPrefix': must be true or false.`],
    [{ secret: '' }, `SignalR option 'secret': must be a list of texts.`],
    [{ authenticate: 'me' }, `SignalR option 'authenticate': must be a function.`],
    [{ allowedOrigins: 'https://x' }, `SignalR option 'allowedOrigins': must be a list of texts.`],
    [{ useGlobalFilters: 'yes' }, `SignalR option 'useGlobalFilters': must be true or false.`],
    [{ groupTimeout: 0 }, `SignalR option 'groupTimeout': must be a number of at least 1.`],
    [{ shutdownTimeout: -1 }, `SignalR option 'shutdownTimeout': must be a number of at least 0.`],
    [{ cors: { origins: 'https://x' } }, `SignalR option 'cors.origins': must be a list of texts.`],
    [{ cors: { origins: '*', methods: [] } }, `SignalR option 'cors.methods' does not exist.`],
    [{ tracing: 'loud' }, `SignalR option 'tracing': must be an object with allowed values.`],
    [
      { tracing: { 'SignalR.*': 'loud' } },
      `SignalR option 'tracing': must be an object with allowed values.`,
    ],
    [{ tracing: { Nope: 'debug' } }, `SignalR option 'tracing': there is no source 'Nope'.`],
    [
      { classic: { defaultMessageBufferSize: -1 } },
      `SignalR option 'classic.defaultMessageBufferSize': The buffer size '-1' is out of range.`,
    ],
    [{ classic: { minifyProxy: 'yes' } }, `SignalR option 'classic.minifyProxy': must be a function.`],
    [{ classic: { proxyUrl: '' } }, `SignalR option 'classic.proxyUrl': must be a text that is not empty.`],
    [{ classic: { developmentMode: 1 } }, `SignalR option 'classic.developmentMode': must be true or false.`],
    [{ clock: {} }, `SignalR option 'clock': must be a clock.`],
    [{ outbox: { maxBytes: 0 } }, `SignalR option 'outbox.maxBytes': must be a whole number of at least 1.`],
    [
      { outbox: { maxMessages: 1.5 } },
      `SignalR option 'outbox.maxMessages': must be a whole number of at least 1.`,
    ],
    [
      { outbox: { policy: 'drop' } },
      `SignalR option 'outbox.policy': must be one of "close", "dropOldest", "keepLatest".`,
    ],
    [{ relay: { maxBytes: 0 } }, `SignalR option 'relay.maxBytes': must be a whole number of at least 1.`],
    [
      { relay: { nodeTimeout: 2_999 } },
      `SignalR option 'relay.nodeTimeout': must be a number of at least 3000.`,
    ],
    [{ relay: { window: 1 } }, `SignalR option 'relay.window' does not exist.`],
    [
      { classic: { disconnectTimeout: 5_000 } },
      `SignalR option 'classic.disconnectTimeout': DisconnectTimeout must be at least six seconds.`,
    ],
    [
      { classic: { keepAlive: 1_990 } },
      `SignalR option 'classic.keepAlive': KeepAlive value must be greater than two seconds.`,
    ],
    [
      { classic: { keepAlive: 10_001 } },
      `SignalR option 'classic.keepAlive': KeepAlive value must be no more than a third of the DisconnectTimeout.`,
    ],
    [
      { classic: { connectionTimeout: 0 } },
      `SignalR option 'classic.connectionTimeout': must be a number of at least 1.`,
    ],
    [
      { classic: { transportConnectTimeout: -1 } },
      `SignalR option 'classic.transportConnectTimeout': must be a number of at least 0.`,
    ],
    [
      { classic: { longPollDelay: 'x' } },
      `SignalR option 'classic.longPollDelay': must be a number of at least 0.`,
    ],
    [
      { classic: { maxIncomingWebSocketMessageSize: 0 } },
      `SignalR option 'classic.maxIncomingWebSocketMessageSize': must be a whole number of at least 1.`,
    ],
    [
      { classic: { maxRequestBodySize: 0 } },
      `SignalR option 'classic.maxRequestBodySize': must be a whole number of at least 1.`,
    ],
    [
      { classic: { maximumParallelInvocationsPerClient: 0 } },
      `SignalR option 'classic.maximumParallelInvocationsPerClient': must be a whole number of at least 1.`,
    ],
    [
      { classic: { enableDetailedErrors: 1 } },
      `SignalR option 'classic.enableDetailedErrors': must be true or false.`,
    ],
    [
      { classic: { enableJavaScriptProxies: null } },
      `SignalR option 'classic.enableJavaScriptProxies': must be true or false.`,
    ],
    [{ classic: { enableJSONP: 'on' } }, `SignalR option 'classic.enableJSONP': must be true or false.`],
    [
      { classic: { transports: [] } },
      `SignalR option 'classic.transports': must be a list of webSockets, serverSentEvents, foreverFrame, longPolling that is not empty.`,
    ],
    [
      { core: { handshakeTimeout: 0 } },
      `SignalR option 'core.handshakeTimeout': must be a number of at least 1.`,
    ],
    [
      { core: { keepAliveInterval: 0 } },
      `SignalR option 'core.keepAliveInterval': must be a number of at least 1.`,
    ],
    [
      { core: { clientTimeoutInterval: Number.NaN } },
      `SignalR option 'core.clientTimeoutInterval': must be a number of at least 1.`,
    ],
    [
      { core: { maximumReceiveMessageSize: 0 } },
      `SignalR option 'core.maximumReceiveMessageSize': must be a whole number of at least 1.`,
    ],
    [
      { core: { enableDetailedErrors: 1 } },
      `SignalR option 'core.enableDetailedErrors': must be true or false.`,
    ],
    [
      { core: { maximumParallelInvocationsPerClient: 0 } },
      `SignalR option 'core.maximumParallelInvocationsPerClient': must be a whole number of at least 1.`,
    ],
    [
      { core: { transports: ['Smoke'] } },
      `SignalR option 'core.transports': must be a list of WebSockets, ServerSentEvents, LongPolling that is not empty.`,
    ],
    [
      { core: { minimumProtocolVersion: 2 } },
      `SignalR option 'core.minimumProtocolVersion': must be one of 0, 1.`,
    ],
    [
      { core: { applicationMaxBufferSize: -1 } },
      `SignalR option 'core.applicationMaxBufferSize': must be a whole number of at least 0.`,
    ],
    [{ core: { pollTimeout: 0 } }, `SignalR option 'core.pollTimeout': must be a number of at least 1.`],
    [
      { core: { disconnectTimeout: 0 } },
      `SignalR option 'core.disconnectTimeout': must be a number of at least 1.`,
    ],
    [
      { core: { transportSendTimeout: 0 } },
      `SignalR option 'core.transportSendTimeout': must be a number of at least 1.`,
    ],
    [{ core: { closeTimeout: 0 } }, `SignalR option 'core.closeTimeout': must be a number of at least 1.`],
  ];

  test.each(badOptions)('%o', async (options, message) => {
    expect(await failureOf([], options as SignalRModuleOptions)).toMatchObject({
      name: 'SignalRError',
      message,
    });
  });

  test('[classic 200] [classic 201] limits of the time-outs themselves are fine', async () => {
    expect(await failureOf([], { classic: { disconnectTimeout: 5_999 } })).toBeDefined();
    expect(await failureOf([], { classic: { disconnectTimeout: 6_000 } })).toBeUndefined();
    expect(await failureOf([], { classic: { disconnectTimeout: 6_000, keepAlive: 2_000 } })).toBeUndefined();
    expect(await failureOf([], { classic: { keepAlive: 1_990 } })).toBeDefined();
    expect(await failureOf([], { classic: { keepAlive: 10_001 } })).toBeDefined();
    expect(await failureOf([], { classic: { keepAlive: null } })).toBeUndefined();
  });

  test('an option of a hub is checked as well', async () => {
    const type = class OddHub extends SignalRHub {};
    Hub({ name: 'odd', handshakeTimeout: -1 })(type);
    expect(await failureOf([type])).toMatchObject({
      message: `SignalR option '@Hub('odd').handshakeTimeout': must be a number of at least 1.`,
    });
  });
});
