import type { INestApplication } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import { Hub, type IHubContext, type IProgress, SignalRHub } from 'nestjs-signalr';
import {
  type ClassicTestClient,
  type CoreTestClient,
  createTestClient,
  RecordingHub,
} from 'nestjs-signalr/testing';

interface ShopClient {
  stocked(item: string, count: number): void;
  confirm(order: number): Promise<boolean>;
}

@Hub()
class ShopHub extends SignalRHub<ShopClient> {
  declare order: (item: string, count?: number) => Promise<{ id: number }>;
  declare ship: (id: number, progress: IProgress<number>) => string;
  declare prices: (of: string) => Observable<number>;
  declare upload: (name: string, lines: AsyncIterable<string>) => Promise<number>;
}

@Hub()
class DynamicHub extends SignalRHub {}

declare const app: INestApplication;
declare const core: CoreTestClient<ShopHub>;
declare const either: CoreTestClient<ShopHub> | ClassicTestClient<ShopHub>;
declare const dynamic: ClassicTestClient<DynamicHub>;
declare const lines: AsyncIterable<string>;

describe('types of test clients', () => {
  test('the protocol decides which client it is', () => {
    expectTypeOf(createTestClient(app, ShopHub)).resolves.toEqualTypeOf<CoreTestClient<ShopHub>>();
    expectTypeOf(createTestClient(app, ShopHub, { protocol: 'classic' })).resolves.toEqualTypeOf<
      ClassicTestClient<ShopHub>
    >();
    // @ts-expect-error -- only classic clients have state
    expectTypeOf(core.state).toBeAny();
    // @ts-expect-error -- only Core clients get streams
    expectTypeOf(dynamic.stream).toBeAny();
  });

  test('calls have the types of the hub', () => {
    expectTypeOf(core.invoke('order', 'tea')).resolves.toEqualTypeOf<{ id: number }>();
    expectTypeOf(core.server.order('tea', 2)).resolves.toEqualTypeOf<{ id: number }>();
    expectTypeOf(either.invoke('ship', 7)).resolves.toEqualTypeOf<string>();
    expectTypeOf(core.invoke('upload', 'notes', lines)).resolves.toEqualTypeOf<number>();
    // @ts-expect-error -- a number is no item
    void core.invoke('order', 7);
    // @ts-expect-error -- the item is missing
    void core.invoke('order');
    // @ts-expect-error -- there is no such method
    void core.server.steal();
  });

  test('names that are not declared take anything', () => {
    expectTypeOf(core.invoke('Renamed', 1, 'two')).resolves.toEqualTypeOf<unknown>();
    expectTypeOf(core.invoke<Date>('Renamed')).resolves.toEqualTypeOf<Date>();
    expectTypeOf(core.invoke('order' as string, 7)).resolves.toEqualTypeOf<unknown>();
  });

  test('streams have items', () => {
    expectTypeOf(core.stream('prices', 'tea')).toEqualTypeOf<AsyncGenerator<number, void>>();
    expectTypeOf(core.stream<string>('Renamed')).toEqualTypeOf<AsyncGenerator<string, void>>();
    // @ts-expect-error -- a number is no item
    void core.stream('prices', 7);
  });

  test('what is received has the types of the client', () => {
    core.on('stocked', (item, count) => {
      expectTypeOf(item).toEqualTypeOf<string>();
      expectTypeOf(count).toEqualTypeOf<number>();
    });
    expectTypeOf(core.waitFor('confirm', (order) => order > 1)).resolves.toEqualTypeOf<[order: number]>();
    expectTypeOf(either.waitFor('stocked', undefined, { timeout: 5 })).resolves.toEqualTypeOf<
      [item: string, count: number]
    >();
    // @ts-expect-error -- there is no such client method
    void core.waitFor('sold');
    // @ts-expect-error -- an item is no number
    core.on('stocked', (item: number) => item);
  });

  test('a hub without client interface may call anything', () => {
    dynamic.on('anything', (first: string, ...rest: number[]) => [first, rest]);
    expectTypeOf(dynamic.waitFor('anything', (first: string) => first === 'x')).resolves.toEqualTypeOf<
      any[]
    >();
  });

  test('a recording hub is the context of its hub', () => {
    const recording = new RecordingHub(ShopHub);
    expectTypeOf(recording.context).toEqualTypeOf<IHubContext<ShopHub>>();
    expectTypeOf(recording.call(new ShopHub())).toEqualTypeOf<ShopHub>();
  });
});
