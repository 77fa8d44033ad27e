import { Inject } from '@nestjs/common';
import { Hub, SignalRHub } from 'nestjs-signalr';
import { NODE_NAME } from './node-name.js';

/** What clients are told. */
export interface TicksClient {
  /** Numbers that follow each other, from the sender: who misses one or gets one twice can tell. */
  tick(number: number): void;
  /** The node that has the connection from now on. */
  servedBy(node: string): void;
}

@Hub('ticks')
export class TicksHub extends SignalRHub<TicksClient> {
  constructor(@Inject(NODE_NAME) private readonly node: string) {
    super();
  }

  override onConnected(): Promise<void> {
    return this.clients.caller.servedBy(this.node);
  }

  /** A classic client has come back under the same connection, maybe to another node. */
  override onReconnected(): Promise<void> {
    return this.clients.caller.servedBy(this.node);
  }
}
