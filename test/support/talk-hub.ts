import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { Inbox } from './inbox.js';

/** Who has left {@link TalkHub}, and whether with a goodbye. Each file of tests runs in a process of its own. */
export const departures = new Inbox<{ readonly id: string; readonly stopCalled: boolean }>();

/** A hub for real clients: one call, and one that every kind of receiver hears. */
@Hub()
export class TalkHub extends SignalRHub {
  override onDisconnected(stopCalled: boolean): void {
    departures.put({ id: this.context.connectionId, stopCalled });
  }

  @HubMethod()
  add(left: number, right: number): number {
    return left + right;
  }

  @HubMethod()
  async joinAndTell(group: string, text: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
    await this.clients.all.hear('all', text);
    await this.clients.caller.hear('caller', text);
    await this.clients.group(group).hear('group', text);
  }

  @HubMethod()
  dismiss(): void {
    this.context.abort();
  }
}
