import {
  ForbiddenException,
  Injectable,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { Inbox } from '../../support/inbox.js';

/** Something that happened in a hub of the tests. */
export interface HubEvent {
  readonly event: string;
  readonly connectionId: string;
  readonly detail?: unknown;
}

/** What the hubs below report. Each file of tests runs in a process of its own. */
export const hubEvents = new Inbox<HubEvent>();

/** The next event of a kind, for one connection if one is given. */
export function nextEvent(event: string, connectionId?: string): Promise<HubEvent> {
  return hubEvents.nextWhere(
    event,
    (happened) =>
      happened.event === event && (connectionId ?? happened.connectionId) === happened.connectionId,
  );
}

/** Takes the user from a header, as middleware of an application would from a session. */
export function authenticate(request: IncomingMessage): unknown {
  const name = request.headers['x-user'];
  return name === undefined ? undefined : { name };
}

@Hub()
export class ChatHub extends SignalRHub {
  override async onConnected(): Promise<void> {
    hubEvents.put({
      event: 'connected',
      connectionId: this.context.connectionId,
      detail: this.context.transport,
    });
    await this.clients.caller.welcome('in');
  }

  override onReconnected(): void {
    hubEvents.put({ event: 'reconnected', connectionId: this.context.connectionId });
  }

  override onDisconnected(stopCalled: boolean): void {
    hubEvents.put({ event: 'disconnected', connectionId: this.context.connectionId, detail: stopCalled });
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  async broadcast(text: string): Promise<void> {
    await this.clients.all.addMessage(text);
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }

  @HubMethod()
  async leave(group: string): Promise<void> {
    await this.groups.remove(this.context.connectionId, group);
  }

  @HubMethod()
  async toGroup(group: string, text: string): Promise<void> {
    await this.clients.group(group).addMessage(text);
  }

  @HubMethod()
  query(name: string): string | undefined {
    return this.context.queryString.get(name);
  }
}

@Hub()
export class OtherHub extends SignalRHub {
  override onConnected(): void {
    hubEvents.put({ event: 'other connected', connectionId: this.context.connectionId });
  }

  @HubMethod()
  async broadcast(text: string): Promise<void> {
    await this.clients.all.addMessage(text);
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }
}

/** Lets in the user `admin`. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user?: { name: string } }>();
    if (user !== undefined && user.name !== 'admin') {
      throw new ForbiddenException();
    }
    return user?.name === 'admin';
  }
}

@Hub()
@UseGuards(AdminGuard)
export class AdminHub extends SignalRHub {
  @HubMethod()
  secret(): string {
    return 'secret';
  }
}
