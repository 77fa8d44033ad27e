import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Observable } from 'rxjs';
import {
  Authorize,
  Hub,
  HubCancellation,
  HubException,
  HubMethod,
  HubStream,
  SignalRHub,
} from 'nestjs-signalr';

import { type Deferred, deferred } from '../../support/inbox.js';

class OddException extends HubException {}

/** Named like its counterpart, since clients get to read the name with detailed errors. */
class InvalidOperationException extends Error {}

/** Takes what the serializer of .NET would take for a type. */
const only = (isRight: (value: unknown) => boolean): PipeTransform => ({
  transform: (value: unknown) => {
    if (!isRight(value)) {
      throw new BadRequestException('Error binding arguments.');
    }
    return value;
  },
});
const int32 = only((value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31);
const text = only((value) => typeof value === 'string' || value === null);

/** Errors that stand for one of .NET have its name, others that of their class. */
function typeOf(error: Error): string {
  return error.name === 'Error' ? error.constructor.name : error.name;
}

const WITNESSES = 'witnesses';
const gates = new Map<string, Deferred>();

function gate(name: string): Deferred {
  const known = gates.get(name) ?? deferred();
  gates.set(name, known);
  return known;
}

/** What both servers of the comparison can do; `core-server/WorkHub.cs` is the other one. */
export abstract class WorkHub extends SignalRHub {
  /** Greets whoever asks for it by the query, after a call to a client method. */
  override async onConnected(): Promise<void> {
    const { queryString } = this.context;
    if (queryString.has('welcome')) {
      await this.clients.caller.Welcome('first');
    }
    if (queryString.has('ask')) {
      await this.clients.caller.Asked(await this.askCaller('too early'));
    }
  }

  /** Tells witnesses how a connection has ended that gave its name. */
  override async onDisconnected(_stopCalled: boolean, error?: Error): Promise<void> {
    const { queryString, connectionAborted } = this.context;
    const name = queryString.get('name');
    if (name !== undefined) {
      const text = error === undefined ? null : `${typeOf(error)}: ${error.message}`;
      await this.clients.group(WITNESSES).Gone(name, text, connectionAborted.aborted);
    }
  }

  @HubMethod('Witness')
  witness(): Promise<void> {
    return this.groups.add(this.context.connectionId, WITNESSES);
  }

  @HubMethod('Add')
  add(@MessageBody(int32) left: number, @MessageBody(int32) right: number): number {
    return left + right;
  }

  @HubMethod('Echo')
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod('Nothing')
  async nothing(): Promise<void> {}

  @HubMethod('NullText')
  nullText(): string | null {
    return null;
  }

  @HubMethod('Renamed')
  original(): string {
    return 'renamed';
  }

  @HubMethod('Text')
  text(@MessageBody(text) value: string): string {
    return value;
  }

  @HubMethod('Throw')
  throw(kind: string): void {
    switch (kind) {
      case 'hub':
        throw new HubException('told');
      case 'odd':
        throw new OddException('odd');
      case 'empty':
        throw new HubException('');
      case 'lines':
        throw new HubException('one\r\ntwo\n"three" <é😀>');
      default:
        throw new InvalidOperationException('secret');
    }
  }

  @HubMethod('ThrowLater')
  async throwLater(kind: string): Promise<void> {
    await Promise.resolve();
    this.throw(kind);
  }

  @HubMethod('Abort')
  abort(): void {
    this.context.abort();
  }

  @HubMethod('User')
  user(): string | null {
    return this.context.userIdentifier ?? null;
  }

  @HubMethod('Secret')
  @Authorize({ roles: 'admin' })
  secret(): string {
    return 'secret';
  }

  @HubMethod('Query')
  query(name: string): string | null {
    return this.context.queryString.getAll(name)[0] ?? null;
  }

  @HubMethod('Header')
  header(name: string): string | null {
    return (this.context.headers[name] as string | undefined) ?? null;
  }

  @HubMethod('Count')
  count(): number {
    const { items } = this.context;
    const count = ((items.get('count') as number | undefined) ?? 0) + 1;
    items.set('count', count);
    return count;
  }

  @HubMethod('Join')
  join(group: string): Promise<void> {
    return this.groups.add(this.context.connectionId, group);
  }

  @HubMethod('Leave')
  leave(group: string): Promise<void> {
    return this.groups.remove(this.context.connectionId, group);
  }

  @HubMethod('TellCaller')
  async tellCaller(message: string): Promise<void> {
    await this.clients.caller.Hear(message);
  }

  @HubMethod('TellOthers')
  async tellOthers(message: string): Promise<void> {
    await this.clients.others.Hear(message);
  }

  @HubMethod('TellGroup')
  async tellGroup(group: string, message: string): Promise<void> {
    await this.clients.group(group).Hear(message);
  }

  @HubMethod('TellOthersInGroup')
  async tellOthersInGroup(group: string, message: string): Promise<void> {
    await this.clients.othersInGroup(group).Hear(message);
  }

  @HubMethod('TellGroups')
  async tellGroups(groups: string[], message: string): Promise<void> {
    await this.clients.groups(groups).Hear(message);
  }

  @HubMethod('TellClient')
  async tellClient(id: string, message: string): Promise<void> {
    await this.clients.client(id).Hear(message);
  }

  /** The answer of the caller, or the error that asking gave. */
  @HubMethod('AskCaller')
  async askCaller(question: string): Promise<string> {
    try {
      return `${(await this.clients.caller.invoke('Answer', question)) ?? ''}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  @HubMethod('Wait')
  wait(name: string): Promise<void> {
    return gate(name).promise;
  }

  @HubMethod('Open')
  open(name: string): void {
    gate(name).resolve();
  }

  @HubMethod('Counter')
  async *counter(@MessageBody(int32) count: number): AsyncGenerator<number> {
    for (let value = 0; value < count; value++) {
      yield value;
    }
  }

  /** Gives one item, and goes on until nobody listens. */
  @HubMethod('Endless')
  async *endless(@HubCancellation() cancellation: AbortSignal): AsyncGenerator<number> {
    yield 1;
    await new Promise((resolve) => cancellation.addEventListener('abort', resolve));
  }

  @HubMethod('FailingStream')
  async *failingStream(kind: string): AsyncGenerator<number> {
    yield 0;
    yield 1;
    this.throw(kind);
  }

  @HubMethod('ThrowingStream')
  throwingStream(kind: string): AsyncIterable<number> {
    this.throw(kind);
    return this.counter(1);
  }

  /** Named as it is called: the error speaks of the declared name. */
  @HubMethod()
  NullStream(): Observable<number> {
    return null as never;
  }

  @HubMethod('Sum')
  async sum(
    @MessageBody(int32) start: number,
    @HubStream({}, int32) items: AsyncIterable<number>,
  ): Promise<number> {
    let sum = start;
    for await (const item of items) {
      sum += item;
    }
    return sum;
  }

  /** The sum, or the error that the stream ended with. */
  @HubMethod('Collect')
  async collect(@HubStream({}, int32) items: AsyncIterable<number>): Promise<string> {
    try {
      return `${await this.sum(0, items)}`;
    } catch (error) {
      return `${typeOf(error as Error)}: ${(error as Error).message}`;
    }
  }

  /** Takes one item and leaves the rest. */
  @HubMethod('First')
  async first(@HubStream({}, int32) items: AsyncIterable<number>): Promise<number> {
    for await (const item of items) {
      return item;
    }
    return -1;
  }

  @HubMethod('Two')
  async two(
    @HubStream() left: AsyncIterable<string>,
    between: string,
    @HubStream() right: AsyncIterable<string>,
  ): Promise<string> {
    const all: string[] = [];
    for await (const item of left) {
      all.push(item);
    }
    all.push(between);
    for await (const item of right) {
      all.push(item);
    }
    return all.join();
  }

  @HubMethod('Doubled')
  async *doubled(@HubStream({}, int32) items: AsyncIterable<number>): AsyncGenerator<number> {
    for await (const item of items) {
      yield item * 2;
    }
  }
}

@Hub('plain')
class PlainHub extends WorkHub {}

@Hub({ name: 'detailed', enableDetailedErrors: true })
class DetailedHub extends WorkHub {}

@Hub({
  name: 'impatient',
  enableDetailedErrors: true,
  handshakeTimeout: 1_000,
  keepAliveInterval: 1_000,
  clientTimeoutInterval: 2_000,
  pollTimeout: 1_000,
})
class ImpatientHub extends WorkHub {}

@Hub({ name: 'tiny', enableDetailedErrors: true, maximumReceiveMessageSize: 256 })
class TinyHub extends WorkHub {}

@Hub({ name: 'parallel', maximumParallelInvocationsPerClient: 2 })
class ParallelHub extends WorkHub {}

@Hub({ name: 'sockets', transports: ['WebSockets'] })
class SocketsHub extends WorkHub {}

@Hub({ name: 'polls', transports: ['LongPolling'] })
class PollsHub extends WorkHub {}

@Hub({ name: 'modern', minimumProtocolVersion: 1 })
class ModernHub extends WorkHub {}

@Hub({ name: 'stateful', allowStatefulReconnects: true })
class StatefulHub extends WorkHub {}

@Hub('guarded')
@Authorize({ roles: 'admin' })
class GuardedHub extends WorkHub {}

@Hub('failing')
class FailingHub extends WorkHub {
  override async onConnected(): Promise<void> {
    throw new InvalidOperationException('no entry');
  }
}

@Hub({ name: 'failingDetailed', enableDetailedErrors: true })
class FailingDetailedHub extends FailingHub {}

@Hub('refusing')
class RefusingHub extends WorkHub {
  override async onConnected(): Promise<void> {
    throw new HubException('not you');
  }
}

@Hub('farewell')
class FarewellHub extends WorkHub {
  override async onDisconnected(stopCalled: boolean, error?: Error): Promise<void> {
    await super.onDisconnected(stopCalled, error);
    throw new InvalidOperationException('goodbye failed');
  }
}

/** The hubs that `core-server/Program.cs` maps, at the same paths. */
export const workHubs = [
  PlainHub,
  DetailedHub,
  ImpatientHub,
  TinyHub,
  ParallelHub,
  SocketsHub,
  PollsHub,
  ModernHub,
  StatefulHub,
  GuardedHub,
  FailingHub,
  FailingDetailedHub,
  RefusingHub,
  FarewellHub,
] as const;

/** Whoever brings a name as bearer token is the user of that name; `admin` has the role of that name. */
export function authenticate({
  headers,
}: {
  readonly headers: { readonly authorization?: string };
}): unknown {
  const name = /^Bearer (.*)/.exec(headers.authorization ?? '')?.[1];
  return name === undefined ? undefined : { id: name, roles: [name] };
}
