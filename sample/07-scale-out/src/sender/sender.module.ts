import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { signalROptions } from '../signalr-options.js';
import { Ticker } from './ticker.js';

/** A process without hubs and without clients: what it sends reaches those of the nodes. */
@Module({ imports: [SignalRModule.forRoot(signalROptions)], providers: [Ticker] })
export class SenderModule {}
