import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { StocksModule } from './stocks/stocks.module.js';

@Module({ imports: [SignalRModule.forRoot(), StocksModule] })
export class AppModule {}
