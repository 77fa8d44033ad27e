import { ReadableStream } from 'node:stream/web';

import { ParseIntPipe } from '@nestjs/common';
import { concat, from, interval, map, Observable, of, take, throwError } from 'rxjs';
import { Hub, HubCancellation, HubException, HubMethod, HubStream, SignalRHub } from 'nestjs-signalr';

import { type Deferred, Inbox } from '../../support/inbox.js';

/** What has happened in the hub, each with the name that the call was given. */
export const streamEvents = new Inbox<string>();

/** Gates that methods wait at, by name. */
export const streamGates = new Map<string, Deferred>();

/** Methods that give and take streams. */
@Hub('streams')
export class StreamingHub extends SignalRHub {
  @HubMethod()
  async *counter(count: number): AsyncGenerator<number> {
    for (let value = 0; value < count; value++) {
      yield value;
    }
  }

  /** Goes on until nobody listens. */
  @HubMethod()
  async *endless(name: string, @HubCancellation() signal: AbortSignal): AsyncGenerator<number> {
    signal.addEventListener('abort', () => streamEvents.put(`${name} aborted`));
    try {
      for (let value = 0; ; value++) {
        yield value;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      streamEvents.put(`${name} cleaned up`);
    }
  }

  @HubMethod()
  observable(): Observable<string> {
    return of('a', 'b');
  }

  @HubMethod()
  async later(): Promise<Observable<string>> {
    await Promise.resolve();
    return from(['late']);
  }

  @HubMethod()
  ticks(): Observable<number> {
    return interval(1).pipe(
      take(3),
      map((value) => value * 10),
    );
  }

  @HubMethod()
  readable(): ReadableStream<number> {
    return ReadableStream.from([1, 2]);
  }

  @HubMethod()
  fails(disclose: boolean): Observable<number> {
    const error = disclose ? new HubException('told') : new Error('secret');
    return concat(
      of(0, 1),
      throwError(() => error),
    );
  }

  @HubMethod()
  async *failsToSend(): AsyncGenerator<unknown> {
    yield 1;
    yield 1n;
  }

  @HubMethod()
  nothing(): Observable<number> {
    return null as never;
  }

  @HubMethod()
  refuses(): Observable<number> {
    throw new HubException('not today');
  }

  @HubMethod('Plain')
  plain(): string {
    return 'plain';
  }

  /** Its declaration does not tell what it gives. */
  @HubMethod()
  any(value: unknown): unknown {
    return value === 'stream' ? of(1) : value;
  }

  @HubMethod('Up')
  async upload(start: number, @HubStream() items: AsyncIterable<number>): Promise<number> {
    let sum = start;
    for await (const item of items) {
      sum += item;
    }
    return sum;
  }

  /** Tells how a stream has ended. */
  @HubMethod()
  async report(name: string, @HubStream() items: AsyncIterable<unknown>): Promise<void> {
    const seen: unknown[] = [];
    try {
      for await (const item of items) {
        seen.push(item);
        streamEvents.put(`${name} got ${String(item)}`);
      }
      streamEvents.put(`${name} ended`);
    } catch (error) {
      streamEvents.put(`${name} failed: ${(error as Error).constructor.name} ${(error as Error).message}`);
    }
  }

  @HubMethod()
  async two(
    first: string,
    @HubStream() left: AsyncIterable<string>,
    right: Observable<string>,
  ): Promise<string> {
    const rest: string[] = [];
    await right.forEach((item) => void rest.push(item));
    for await (const item of left) {
      rest.push(item);
    }
    return [first, ...rest].join();
  }

  @HubMethod()
  async *doubled(@HubStream() items: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const item of items) {
      yield item * 2;
    }
  }

  @HubMethod()
  async readFirst(@HubStream() items: AsyncIterable<number>): Promise<number | undefined> {
    for await (const item of items) {
      return item;
    }
    return undefined;
  }

  @HubMethod()
  async numbers(@HubStream({ item: Number }, ParseIntPipe) items: ReadableStream<number>): Promise<string> {
    try {
      let sum = 0;
      for await (const item of items) {
        sum += item;
      }
      return `sum ${sum}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  @HubMethod()
  async waitAt(gate: string): Promise<string> {
    await streamGates.get(gate)?.promise;
    return 'waited';
  }

  /** Reads nothing until it is let. */
  @HubMethod()
  async hesitant(gate: string, @HubStream() items: AsyncIterable<number>): Promise<number> {
    await streamGates.get(gate)?.promise;
    let count = 0;
    for await (const _ of items) {
      count++;
    }
    return count;
  }

  @HubMethod()
  async waits(name: string, @HubCancellation() signal: AbortSignal): Promise<string> {
    streamEvents.put(`${name} waits`);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return `${name} stopped`;
  }
}
