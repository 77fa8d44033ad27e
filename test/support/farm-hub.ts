import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { Inbox } from './inbox.js';

/** What the hubs of all servers have heard of connections. */
export const farmEvents = new Inbox<string>();

/** The hub of a farm for real clients of either family. */
@Hub('farm')
export class FarmHub extends SignalRHub {
  override onConnected(): void {
    farmEvents.put('connected');
  }

  override onReconnected(): void {
    farmEvents.put('reconnected');
  }

  override onDisconnected(stopCalled: boolean): void {
    farmEvents.put(`disconnected ${stopCalled}`);
  }

  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }

  @HubMethod()
  async join(group: string): Promise<void> {
    await this.groups.add(this.context.connectionId, group);
  }
}
