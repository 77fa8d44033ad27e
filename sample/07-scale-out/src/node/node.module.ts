import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { signalROptions } from '../signalr-options.js';
import { NODE_NAME } from '../ticks/node-name.js';
import { TicksHub } from '../ticks/ticks.hub.js';

/** One of several processes that serve clients. Nothing in it knows that there are others. */
@Module({
  imports: [SignalRModule.forRoot(signalROptions)],
  providers: [TicksHub, { provide: NODE_NAME, useValue: process.env.NODE_NAME }],
})
export class NodeModule {}
