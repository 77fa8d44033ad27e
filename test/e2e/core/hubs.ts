import { type CanActivate, type ExecutionContext, Injectable, ParseIntPipe, UseGuards } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { of } from 'rxjs';
import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';

import { type Deferred, Inbox } from '../../support/inbox.js';

/** Something that happened in a hub of the tests. */
export interface HubEvent {
  readonly event: string;
  readonly connectionId: string;
  readonly detail?: unknown;
  readonly error?: Error | undefined;
}

/** What the hubs below report. Each file of tests runs in a process of its own. */
export const hubEvents = new Inbox<HubEvent>();

/** The next event of a kind, of one connection if one is given. */
export function nextEvent(event: string, connectionId?: string): Promise<HubEvent> {
  return hubEvents.nextWhere(
    event,
    (happened) =>
      happened.event === event && (connectionId ?? happened.connectionId) === happened.connectionId,
  );
}

/** Gates that hub methods wait at, by name. */
export const gates = new Map<string, Deferred>();

class OddException extends HubException {}

@Injectable()
class NoGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class BrokenGuard implements CanActivate {
  canActivate(): boolean {
    throw new Error('the guard is broken');
  }
}

@Hub('h')
export class PlainHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    const { connectionId, queryString } = this.context;
    hubEvents.put({ event: 'connected', connectionId });
    await this.clients.caller.welcome('first');
    await gates.get(queryString.get('gate') ?? '')?.promise;
  }

  override onDisconnected(stopCalled: boolean, error?: Error): void {
    const { connectionId, queryString, connectionAborted } = this.context;
    hubEvents.put({
      event: 'disconnected',
      connectionId,
      error,
      detail: { stopCalled, aborted: connectionAborted.aborted },
    });
    if (queryString.get('fail') === 'disconnect') {
      throw new Error('goodbye failed');
    }
  }

  @HubMethod('Add')
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  ping(): void {}

  @HubMethod()
  parse(@MessageBody(ParseIntPipe) value: number): number {
    return value;
  }

  @HubMethod()
  boom(kind: string): never {
    throw { plain: new Error('plain text'), hub: new HubException('x'), odd: new OddException('y') }[kind];
  }

  @HubMethod('Secret')
  @UseGuards(NoGuard)
  secret(): string {
    return 'secret';
  }

  @HubMethod()
  @UseGuards(BrokenGuard)
  guarded(): string {
    return 'guarded';
  }

  @HubMethod()
  unserializable(kind: string): unknown {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    return kind === 'cycle' ? cycle : 10n;
  }

  @HubMethod()
  stream(): unknown {
    return of(1, 2, 3);
  }

  @HubMethod()
  async wait(gate: string): Promise<string> {
    hubEvents.put({ event: `waiting ${gate}`, connectionId: this.context.connectionId });
    await gates.get(gate)?.promise;
    return gate;
  }

  @HubMethod()
  abort(): void {
    this.context.abort();
  }

  @HubMethod()
  whoAmI(): string {
    return this.context.connectionId;
  }

  @HubMethod()
  query(name: string): string | undefined {
    return this.context.queryString.get(name);
  }

  @HubMethod()
  count(): number {
    const { items } = this.context;
    items.set('count', ((items.get('count') as number | undefined) ?? 0) + 1);
    return items.get('count') as number;
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
  async toAll(text: string): Promise<void> {
    await this.clients.all.hear(text);
  }
}

@Hub('failing')
export class FailingHub extends SignalRHub {
  override onConnected(): void {
    throw new Error('no entry');
  }

  override onDisconnected(): void {
    hubEvents.put({ event: 'failing disconnected', connectionId: this.context.connectionId });
  }
}

@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: unknown }>();
    const name = request.headers['authorization']?.replace('Bearer ', '');
    request.user = name === undefined ? undefined : { id: name };
    return name === 'admin';
  }
}

@Hub('guarded')
@UseGuards(UserGuard)
export class GuardedHub extends SignalRHub {
  @HubMethod()
  me(): unknown {
    return { user: this.context.user, id: this.context.userIdentifier };
  }
}
