import type { IStreamResult, Subject } from '@microsoft/signalr';
import type { Observable } from 'rxjs';
import { describe, expectTypeOf, test } from 'vitest';
import type { HubCallerContext, IProgress, SignalRHub } from 'nestjs-signalr';
import {
  type ClientStream,
  type HubProxyOf,
  hubProxy,
  type ServerStream,
  type UntypedHub,
} from 'nestjs-signalr/client';

interface ShopClient {
  stocked(item: string, count: number): void;
}

declare class ShopHub extends SignalRHub<ShopClient> {
  order(item: string, count?: number): Promise<{ id: number }>;
  cancel(id: number, signal: AbortSignal): void;
  ship(caller: HubCallerContext, id: number, progress: IProgress<number>, note: string): string;
  anything(first: any, second: string): number;
  prices(): Observable<number>;
  names(): AsyncGenerator<string>;
  upload(name: string, lines: AsyncIterable<string>): Promise<number>;
  double(values: Observable<number>, signal: AbortSignal): AsyncGenerator<number>;
  readonly open: boolean;
  override onConnected(): void;
}

declare const untyped: UntypedHub;

describe('a hub as its clients see it', () => {
  const shop: HubProxyOf<ShopHub> = hubProxy<ShopHub>(untyped);

  test('methods take what clients give and return promises', () => {
    expectTypeOf(shop.server.order).toEqualTypeOf<
      (item: string, count?: number) => Promise<{ id: number }>
    >();
    expectTypeOf(shop.server.anything).parameters.toEqualTypeOf<[any, string]>();
    expectTypeOf(shop.server.prices).returns.toEqualTypeOf<Promise<number>>();
    expectTypeOf(shop.server.names).returns.toEqualTypeOf<Promise<string>>();
  });

  test('parameters that the server fills in are left out', () => {
    expectTypeOf(shop.server.cancel).parameters.toEqualTypeOf<[number]>();
    expectTypeOf(shop.server.ship).parameters.toEqualTypeOf<[number, string]>();
  });

  test('streams are asked for, and sent as arguments', () => {
    expectTypeOf(shop.stream.prices).toEqualTypeOf<() => ServerStream<number>>();
    expectTypeOf(shop.stream).not.toHaveProperty('order');
    expectTypeOf(shop.server.upload).parameters.toEqualTypeOf<
      [string, ClientStream<string> | AsyncIterable<string>]
    >();
    expectTypeOf(shop.stream.double).toEqualTypeOf<
      (values: ClientStream<number> | AsyncIterable<number>) => ServerStream<number>
    >();
    // The subject of the real client is a stream of the client, and its results are streams of the server.
    expectTypeOf<Subject<string>>().toExtend<ClientStream<string>>();
    expectTypeOf<IStreamResult<number>>().toExtend<ServerStream<number>>();
  });

  test('only methods of the hub itself are there', () => {
    expectTypeOf(shop.server).not.toHaveProperty('onConnected');
    expectTypeOf(shop.server).not.toHaveProperty('clients');
    expectTypeOf(shop.server).not.toHaveProperty('open');
  });

  test('handlers are those of the client interface', () => {
    shop.on('stocked', (item, count) => {
      expectTypeOf(item).toEqualTypeOf<string>();
      expectTypeOf(count).toEqualTypeOf<number>();
    });
    // @ts-expect-error -- there is no such client method
    shop.on('sold', () => {});
  });
});
