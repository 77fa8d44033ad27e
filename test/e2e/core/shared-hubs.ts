import { type CanActivate, type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Hub, HubCancellation, HubMethod, HubStream, SignalRHub } from 'nestjs-signalr';

import { Inbox } from '../../support/inbox.js';

/** What has happened in the hubs below. Each file of tests runs in a process of its own. */
export const sharedEvents = new Inbox<{ readonly id: string; readonly what: string }>();

/** The next events of a connection, in the order of their names: hubs are told at the same time. */
export async function eventsOf(id: string | null | undefined, count: number): Promise<string[]> {
  const events: string[] = [];
  while (events.length < count) {
    const event = await sharedEvents.nextWhere(`an event after ${events.join()}`, (each) => each.id === id);
    events.push(event.what);
  }
  return events.sort();
}

/** What the hubs below call. */
interface SharedClient {
  hear(text: string): void;
  answer(question: string): string;
}

/** What all hubs that share a connection can do in the tests; who does it is in every answer. */
abstract class SharedHub extends SignalRHub<SharedClient> {
  protected abstract readonly label: string;

  override onConnected(): void {
    if (this.context.queryString.get('unwanted') === this.label) {
      throw new Error(`${this.label} does not want it`);
    }
    this.report('connected');
  }

  override onDisconnected(stopCalled: boolean): void {
    this.report(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  ping(): void {}

  @HubMethod()
  who(): string {
    return this.label;
  }

  @HubMethod('a.b')
  dotted(): string {
    return `${this.label} a.b`;
  }

  @HubMethod()
  fail(): never {
    throw new Error('secret');
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async toGroup(group: string, text: string): Promise<void> {
    await this.clients.group(group).hear(text);
  }

  @HubMethod()
  async toOthers(text: string): Promise<void> {
    await this.clients.others.hear(text);
  }

  @HubMethod()
  async toCaller(text: string): Promise<void> {
    await this.clients.caller.hear(text);
  }

  @HubMethod()
  async toUser(user: string, text: string): Promise<void> {
    await this.clients.user(user).hear(text);
  }

  @HubMethod()
  async ask(question: string): Promise<string> {
    return `${this.label} was told ${await this.clients.caller.invoke('answer', question)}`;
  }

  @HubMethod()
  async *count(to: number): AsyncGenerator<string> {
    for (let value = 0; value < to; value++) {
      yield `${this.label} ${value}`;
    }
  }

  @HubMethod()
  async *endless(@HubCancellation() signal: AbortSignal): AsyncGenerator<number> {
    signal.addEventListener('abort', () => this.report('cancelled'));
    for (let value = 0; ; value++) {
      yield value;
      await new Promise(setImmediate);
    }
  }

  @HubMethod()
  async sum(@HubStream() values: AsyncIterable<number>): Promise<string> {
    let sum = 0;
    for await (const value of values) {
      sum += value;
    }
    return `${this.label} ${sum}`;
  }

  private report(what: string): void {
    sharedEvents.put({ id: this.context.connectionId, what: `${this.label} ${what}` });
  }
}

@Hub()
export class ChatHub extends SharedHub {
  protected readonly label: string = 'chat';
}

@Hub({ name: 'stock', enableDetailedErrors: true })
export class StockHub extends SharedHub {
  protected readonly label: string = 'stock';
}

/** Lets in by header, and by query where clients cannot set any. */
@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, url = '' } = context.switchToHttp().getRequest<IncomingMessage>();
    return headers['x-role'] === 'admin' || url.includes('role=admin');
  }
}

@Hub('admin')
@UseGuards(AdminGuard)
export class AdminHub extends SharedHub {
  protected readonly label: string = 'admin';
}
