import { Module } from '@nestjs/common';
import { ShopHub } from './shop.hub.js';
import { Stock } from './stock.js';
import { Witness } from './witness.js';
import { WitnessModule } from './witness.pipeline.js';

@Module({ providers: [ShopHub, Stock, Witness, WitnessModule] })
export class ShopModule {}
