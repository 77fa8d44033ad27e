import { Module } from '@nestjs/common';
import { HubException, LoggingPipelineModule, SignalRModule } from 'nestjs-signalr';
import { ShopModule } from './shop/shop.module.js';
import { WitnessModule } from './shop/witness.pipeline.js';

@Module({
  imports: [
    SignalRModule.forRoot({
      // The first one is outermost. WitnessModule is a provider, so it can inject what it needs.
      pipeline: [LoggingPipelineModule, WitnessModule],
      // One broken rule per line, so that a page can show each beside its field.
      validationError: ({ argument, rules }) => new HubException(rules.join('\n'), { argument, rules }),
    }),
    ShopModule,
  ],
})
export class AppModule {}
