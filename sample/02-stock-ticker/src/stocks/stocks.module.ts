import { Module } from '@nestjs/common';
import { Market } from './market.js';
import { MARKET_OPTIONS, type MarketOptions } from './market.options.js';
import { StockBroadcaster } from './stock-broadcaster.js';
import { StockTickerHub } from './stock-ticker.hub.js';

const options: MarketOptions = { interval: Number(process.env.TICK_INTERVAL ?? 500), random: Math.random };

@Module({
  providers: [Market, StockTickerHub, StockBroadcaster, { provide: MARKET_OPTIONS, useValue: options }],
})
export class StocksModule {}
