import { Hub, HubException, HubMethod, HubStream, SignalRHub } from 'nestjs-signalr';

import { Inbox } from './inbox.js';

/** What has happened in the hub below. Each file of tests runs in a process of its own. */
export const streamsHubEvents = new Inbox<string>();

/** What the real Core clients are proven with: calls, streams in both directions, questions. */
@Hub('streams')
export class StreamsHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    streamsHubEvents.put(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  /** What kind of value has arrived. */
  @HubMethod()
  kindOf(value: unknown): string {
    return value instanceof Date
      ? 'date'
      : value instanceof Uint8Array
        ? `bytes ${value.join()}`
        : typeof value;
  }

  @HubMethod()
  refuse(): never {
    throw new HubException('no');
  }

  @HubMethod()
  async tell(group: string, text: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
    await this.clients.group(group).Hear(text);
    await this.clients.all.hear('all');
  }

  @HubMethod()
  async shout(value: unknown): Promise<void> {
    await this.clients.all.hear(value);
  }

  @HubMethod()
  async *count(to: number): AsyncGenerator<number> {
    try {
      for (let value = 0; value < to; value++) {
        yield value;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      streamsHubEvents.put('counted');
    }
  }

  @HubMethod()
  async *fails(): AsyncGenerator<number> {
    yield 1;
    throw new HubException('broke');
  }

  @HubMethod()
  async sum(start: number, @HubStream() values: AsyncIterable<number>): Promise<number> {
    let sum = start;
    for await (const value of values) {
      sum += value;
    }
    return sum;
  }

  @HubMethod()
  async *double(@HubStream() values: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const value of values) {
      yield value * 2;
    }
  }

  @HubMethod()
  async *through(@HubStream() values: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    yield* values;
  }

  @HubMethod()
  async reflect(value: unknown): Promise<unknown> {
    return this.clients.caller.invoke('reflect', value);
  }

  @HubMethod()
  async ask(question: string): Promise<string> {
    return `they said ${await this.clients.caller.invoke('answer', question)}`;
  }

  @HubMethod()
  quit(): void {
    this.context.abort();
  }
}
