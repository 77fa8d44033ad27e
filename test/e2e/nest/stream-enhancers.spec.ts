import {
  type CallHandler,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  Scope,
  UseFilters,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { IsInt, Max } from 'class-validator';
import { filter, finalize, from, map, Observable, of, take } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  Hub,
  type HubErrorContext,
  HubException,
  type HubIncomingContext,
  HubMethod,
  HubPipelineModule,
  HubStream,
  SignalRHub,
} from 'nestjs-signalr';
import {
  type ClassicTestClient,
  type CoreTestClient,
  createTestClient,
  HubCallError,
} from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawCoreClient } from '../../support/core-client.js';
import { Inbox } from '../../support/inbox.js';

const events = new Inbox<string>();
let produced = 0;

class OnlyEven implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      filter((value: number) => value % 2 === 0),
      map((value) => value * 10),
      finalize(() => events.put('interceptor is done')),
    );
  }
}

class FirstTwo implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(take(2));
  }
}

class FromCache implements NestInterceptor {
  intercept(): Observable<unknown> {
    return of('cached', 'too');
  }
}

class Unchanged implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

class Broken extends Error {}

@Catch(Broken)
class AnswerWith implements ExceptionFilter {
  constructor(private readonly answer: (error: Error) => unknown) {}

  catch(error: Error): unknown {
    return this.answer(error);
  }
}

/** Tells what it sees; bound as interceptor or in the pipeline. */
class Witness extends HubPipelineModule {
  override onBeforeIncoming({ target, isStreaming }: HubIncomingContext): void {
    events.put(`before ${target} ${isStreaming}`);
  }

  override onAfterIncoming(result: unknown): void {
    events.put(`after ${typeof result === 'object' ? 'a stream' : JSON.stringify(result)}`);
  }

  override onIncomingError({ error }: HubErrorContext): void {
    events.put(`error ${error.message}`);
  }
}

class LineDto {
  @IsInt()
  @Max(10)
  value!: number;
}

abstract class Streams extends SignalRHub {
  /** Counts what it was asked for, and tells when it is left. */
  protected async *numbers(count = Infinity): AsyncGenerator<number> {
    try {
      for (let value = 0; value < count; value++) {
        produced++;
        yield value;
      }
    } finally {
      events.put('source is done');
    }
  }

  override dispose(): void {
    events.put('disposed');
  }
}

@Hub('plain')
class PlainHub extends Streams {
  @HubMethod()
  @UseInterceptors(OnlyEven)
  even(count: number): AsyncGenerator<number> {
    return this.numbers(count);
  }

  @HubMethod()
  @UseInterceptors(FirstTwo)
  firstTwo(): AsyncGenerator<number> {
    return this.numbers();
  }

  @HubMethod()
  @UseInterceptors(FromCache)
  cached(): AsyncGenerator<number> {
    throw new Error('nobody should call this');
  }

  @HubMethod()
  @UseInterceptors(Unchanged)
  async *endless(size: number): AsyncGenerator<string> {
    for await (const value of this.numbers()) {
      yield `${value}`.padStart(size, 'x');
    }
  }

  @HubMethod()
  @UseInterceptors(Witness)
  witnessed(count: number): Observable<number> {
    return new Observable((subscriber) => {
      for (let value = 1; value <= count; value++) {
        subscriber.next(value);
      }
      if (count > 2) {
        subscriber.error(new Broken('broke'));
      } else {
        subscriber.complete();
      }
    });
  }

  @HubMethod()
  @UseFilters(new AnswerWith((error) => `instead of ${error.message}`))
  async *answered(): AsyncGenerator<unknown> {
    yield 1;
    throw new Broken('broke');
  }

  @HubMethod()
  @UseFilters(new AnswerWith(() => from([7, 8])))
  @UseInterceptors(Unchanged)
  async *continued(): AsyncGenerator<unknown> {
    yield 1;
    throw new Broken('broke');
  }

  @HubMethod()
  @UseFilters(
    new AnswerWith((error) => {
      throw new HubException(`not ${error.message}`);
    }),
  )
  refused(): Observable<unknown> {
    throw new Broken('broke');
  }

  @HubMethod()
  @UseFilters(new AnswerWith(() => undefined))
  async *unhandled(): AsyncGenerator<unknown> {
    yield 1;
    throw new Broken('broke in the middle');
  }

  @HubMethod()
  async *uncaught(): AsyncGenerator<number> {
    try {
      yield 1;
      yield 2;
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 5));
      events.put('cleaned up');
    }
  }

  @HubMethod()
  async *angry(): AsyncGenerator<number> {
    try {
      yield 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield 2;
    } finally {
      // oxlint-disable-next-line no-unsafe-finally -- that is what is tested
      throw new Error('angry to the end');
    }
  }

  @HubMethod()
  @UsePipes(new ValidationPipe({ transform: true }))
  async lines(@HubStream({ item: LineDto }) lines: AsyncIterable<LineDto>): Promise<string> {
    const seen: boolean[] = [];
    for await (const line of lines) {
      seen.push(line instanceof LineDto);
    }
    return seen.join();
  }
}

@Hub({ name: 'scoped' }, { scope: Scope.REQUEST })
@Injectable({ scope: Scope.REQUEST })
class ScopedHub extends Streams {
  constructor() {
    super();
    events.put('made');
  }

  @HubMethod()
  @UseInterceptors(OnlyEven)
  even(count: number): AsyncGenerator<number> {
    return this.numbers(count);
  }
}

describe.each(platforms)('streams through enhancers on %s', (platform) => {
  let app: TestApp;
  let piped: TestApp;
  let core: CoreTestClient<PlainHub>;
  let classic: ClassicTestClient<PlainHub>;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [PlainHub, ScopedHub] });
    piped = await startApp({ platform, hubs: [PlainHub], signalr: { pipeline: [new Witness()] } });
    core = await createTestClient(app.app, PlainHub);
    classic = await createTestClient(app.app, PlainHub, { protocol: 'classic' });
    await core.invoke('nobody').catch(() => undefined);
  });

  beforeEach(() => {
    events.clear();
    produced = 0;
    classic.progress.length = 0;
    app.logged.length = 0;
    piped.logged.length = 0;
  });

  afterAll(async () => {
    await core.close();
    await classic.close();
    await app.close();
    await piped.close();
  });

  /** The logger is that of the application that was made last. */
  const logged = (): string[] => [...app.logged, ...piped.logged];

  const items = async (method: string, ...args: unknown[]): Promise<unknown[]> => {
    const seen: unknown[] = [];
    try {
      for await (const item of core.stream(method, ...args)) {
        seen.push(item);
      }
    } catch (error) {
      seen.push((error as HubCallError).message);
    }
    return seen;
  };

  const until = async (what: string): Promise<string> => events.nextWhere(what, (event) => event === what);

  test('interceptors see items one by one, whatever the client', async () => {
    expect(await items('even', 7)).toEqual([0, 20, 40, 60]);
    expect(await until('disposed')).toBe('disposed');
    expect(await classic.invoke('even', 7)).toBe(60);
    expect(classic.progress).toEqual([0, 20, 40, 60]);
  });

  test('an interceptor that has enough ends the source', async () => {
    expect(await items('firstTwo')).toEqual([0, 1]);
    expect(await until('source is done')).toBe('source is done');
    expect(await classic.invoke('firstTwo')).toBe(1);
    expect(classic.progress).toEqual([0, 1]);
  });

  test('an interceptor may answer by itself', async () => {
    expect(await items('cached')).toEqual(['cached', 'too']);
    expect(produced).toBe(0);
  });

  test('a client that cancels reaches the source through the interceptor', async () => {
    for await (const item of core.stream('even', 1_000_000_000)) {
      expect(item).toBe(0);
      break;
    }
    const ends = new Set(['interceptor is done', 'source is done', 'disposed']);
    while (ends.size > 0) {
      ends.delete(await events.next([...ends].join()));
    }
    expect(ends).toEqual(new Set());
  });

  test('a client that does not read holds the source up, through the interceptor too', async () => {
    const slow = await RawCoreClient.connect(`${app.url}/signalr/plain`);
    slow.socket.socket.pause();
    slow.send({ type: 4, invocationId: '1', target: 'endless', arguments: [10_000] });
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = produced > 0 && produced === before;
          before = produced;
          return isStill;
        },
        { interval: 100, timeout: 8_000 },
      )
      .toBe(true);
    // What the buffers of the sockets hold, and not what an endless source gives.
    expect(produced).toBeLessThan(5_000);
    slow.socket.destroy();
    expect(await until('source is done')).toBe('source is done');
  });

  test('filters answer for a stream that breaks', async () => {
    expect(await items('answered')).toEqual([1, 'instead of broke']);
    expect(await items('continued')).toEqual([1, 7, 8]);
    expect(await items('refused')).toEqual([
      `An unexpected error occurred invoking 'refused' on the server. HubException: not broke`,
    ]);
    expect(await classic.invoke('answered')).toBe('instead of broke');
    expect(logged()).toEqual([]);
  });

  test('what no filter handles is logged once, with its stack', async () => {
    expect(await items('unhandled')).toEqual([1, 'An error occurred on the server while streaming results.']);
    expect(logged().filter((line) => line.includes('broke in the middle'))).toHaveLength(1);
    expect(logged().join()).toContain('stream-enhancers.spec.ts');
  });

  test('a generator that throws when it is left harms nobody', async () => {
    for await (const _ of core.stream('angry')) {
      break;
    }
    await expect.poll(() => logged().join()).toContain('angry to the end');
    expect(await items('even', 1)).toEqual([0]);
  });

  test('a module in the pipeline sees the stream itself', async () => {
    const client = await createTestClient(piped.app, PlainHub);
    for await (const item of client.stream('even', 1)) {
      expect(item).toBe(0);
    }
    expect([await until('before even true'), await until('after a stream')]).toHaveLength(2);
    await client.close();
  });

  test('the same module as interceptor runs around the whole stream', async () => {
    expect(await items('witnessed', 2)).toEqual([1, 2]);
    expect([await events.next('before'), await events.next('after')]).toEqual([
      'before witnessed true',
      'after 2',
    ]);
    events.clear();
    expect(await items('witnessed', 3)).toEqual([
      1,
      2,
      3,
      'An error occurred on the server while streaming results.',
    ]);
    expect([await events.next('before'), await events.next('error')]).toEqual([
      'before witnessed true',
      'error broke',
    ]);
    events.clear();
    expect(await classic.invoke('witnessed', 2)).toBe(2);
    expect(classic.progress).toEqual([1, 2]);
    expect([await events.next('before'), await events.next('after')]).toEqual([
      'before witnessed false',
      'after 2',
    ]);
  });

  test('a hub is disposed of when the generator that was left has cleaned up', async () => {
    for await (const _ of core.stream('uncaught')) {
      break;
    }
    expect([await events.next('first'), await events.next('second')]).toEqual(['cleaned up', 'disposed']);
  });

  test('a stream that nobody asked for is let go, and its hub disposed of', async () => {
    await expect(core.invoke('firstTwo')).rejects.toThrow('non-streaming invocation');
    expect(await until('disposed')).toBe('disposed');
    expect(produced).toBe(0);
  });

  test('a request-scoped hub lives as long as its stream', async () => {
    const client = await createTestClient(app.app, ScopedHub);
    await client.invoke('nobody').catch(() => undefined);
    events.clear();
    const seen: unknown[] = [];
    for await (const item of client.stream('even', 3)) {
      seen.push(item);
    }
    expect(seen).toEqual([0, 20]);
    const order = [];
    for (let count = 0; count < 4; count++) {
      order.push(await events.next('what happens'));
    }
    expect(order[0]).toBe('made');
    expect(order.at(-1)).toBe('disposed');
    await client.close();
  });

  test('items of the client are validated one by one', async () => {
    const lines = async function* (...values: unknown[]): AsyncGenerator<unknown> {
      for (const value of values) {
        yield { value };
      }
    };
    expect(await core.invoke<string>('lines', lines(1, 10) as never)).toBe('true,true');
    await expect(core.invoke('lines', lines(1, 11) as never)).rejects.toThrow(
      `The argument 'lines' of plain.lines is not valid: value must not be greater than 10.`,
    );
  });
});
