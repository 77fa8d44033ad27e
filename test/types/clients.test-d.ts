import { describe, expectTypeOf, test } from 'vitest';
import { type ClientOf, type ClientResult, Hub, type IHubContext, SignalRHub } from 'nestjs-signalr';

interface ChatClient {
  hear(name: string, at: Date): void;
  ping(): Promise<void>;
}

@Hub()
class ChatHub extends SignalRHub<ChatClient> {
  check(): void {
    expectTypeOf(this.clients.all.hear).parameters.toEqualTypeOf<[name: string, at: Date]>();
    expectTypeOf(this.clients.caller.ping).returns.toEqualTypeOf<Promise<void>>();
    // @ts-expect-error -- the client has no such method
    void this.clients.others.speak('x');
    // @ts-expect-error -- a text is no date
    void this.clients.group('g').hear('x', 'now');
    // @ts-expect-error -- a selector cannot be changed
    this.clients.all.hear = () => Promise.resolve();
    expectTypeOf(this.clients.all.invoke).parameters.toEqualTypeOf<[method: string, ...args: unknown[]]>();
  }
}

@Hub()
class DynamicHub extends SignalRHub {
  check(): void {
    void this.clients.all.anything(1, 'two', { three: 3 });
    void this.clients.user('u').whatever();
  }
}

describe('types of clients', () => {
  test('a context has the clients of its hub', () => {
    expectTypeOf<ClientOf<ChatHub>>().toEqualTypeOf<ChatClient>();
    expectTypeOf<IHubContext<ChatHub>['clients']['all']['hear']>().parameters.toEqualTypeOf<
      [name: string, at: Date]
    >();
    // @ts-expect-error -- a context has no caller
    type Caller = IHubContext<ChatHub>['clients']['caller'];
    expectTypeOf<Caller>().toBeAny();
  });

  test('a hub without client interface may call anything', () => {
    expectTypeOf<DynamicHub['clients']['all']>().toBeAny();
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- that is what is tested
    expectTypeOf<IHubContext<any>['clients']['all']>().toBeAny();
  });
});

interface AskedClient {
  getName(greeting: string): Promise<string>;
  count(): number;
}

@Hub()
class AskingHub extends SignalRHub<AskedClient> {
  check(): void {
    expectTypeOf(this.clients.caller.invoke('getName', 'hi')).toEqualTypeOf<Promise<string>>();
    expectTypeOf(this.clients.client('id').invoke('count')).toEqualTypeOf<Promise<number>>();
    expectTypeOf(this.clients.client('id').invoke<Date>('other', 1)).toEqualTypeOf<Promise<Date>>();
    expectTypeOf(this.clients.caller.getName('hi')).toEqualTypeOf<Promise<void>>();
    expectTypeOf(this.clients.all.invoke('getName', 'hi')).toEqualTypeOf<Promise<void>>();
    expectTypeOf(this.clients.all.invokeAll('count', [])).toEqualTypeOf<
      Promise<readonly ClientResult<number>[]>
    >();
    void this.clients.group('g').invokeAll('getName', ['hi'], { deadline: 5 });
  }
}

test('a hub that asks has the types of the answers', () => {
  expectTypeOf<AskingHub['clients']['caller']['invoke']>().toBeFunction();
});
