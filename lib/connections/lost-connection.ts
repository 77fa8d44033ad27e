import { DONE } from '../common/promises.js';
import type { ConnectionEntry } from '../messaging/connection-directory.js';
import { HubRequest } from '../transports/hub-request.js';
import { Connection, type ProtocolFamily } from './connection.js';
import type { OutboxLimits } from './outbox.js';

/** What is left of a connection whose node died: who it was, for the application to be told of its end. Nothing reaches it any more. */
export class LostConnection extends Connection {
  readonly protocol: ProtocolFamily;
  readonly hubNames: readonly string[];

  constructor({ connectionId, protocol, hubs, userId }: ConnectionEntry, limits: OutboxLimits) {
    super(connectionId, new HubRequest({ url: '', headers: {} }), limits);
    this.protocol = protocol;
    this.hubNames = hubs;
    this.userId = userId;
    this.markEnded();
  }

  protected encode(): undefined {}

  joinGroup(): void {}

  leaveGroup(): void {}

  disconnect(): void {}

  messagesLost(): void {}

  takenAway(): void {}

  shutDown(): Promise<void> {
    return DONE;
  }

  /** What a connection handler sends goes nowhere, as with any connection that has ended. */
  sendData(): Promise<void> {
    return DONE;
  }

  close(): void {}

  onHeartbeat(): void {}

  onData(): void {}

  onEnd(): void {}

  write(): void {}

  overflowed(): void {}

  dropped(): void {}
}
