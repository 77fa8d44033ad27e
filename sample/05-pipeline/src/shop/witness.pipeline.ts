import { Injectable } from '@nestjs/common';
import {
  type HubErrorContext,
  HubException,
  type HubIncomingContext,
  HubPipelineModule,
} from 'nestjs-signalr';
import { OutOfStockError } from './stock.js';
import { Witness } from './witness.js';

/** Sees every call, and turns errors that clients may know of into such that they may read. */
@Injectable()
export class WitnessModule extends HubPipelineModule {
  constructor(private readonly witness: Witness) {
    super();
  }

  override onBeforeIncoming({ method, args }: HubIncomingContext): void {
    this.witness.tell(`before ${method?.name ?? 'an unknown method'}(${JSON.stringify(args).slice(1, -1)})`);
  }

  override onAfterIncoming(result: unknown): void {
    this.witness.tell(`after: ${JSON.stringify(result)}`);
  }

  override onIncomingError(failure: HubErrorContext): void {
    this.witness.tell(`error: ${failure.error.message}`);
    if (failure.error instanceof OutOfStockError) {
      const { product, left } = failure.error;
      failure.error = new HubException(`Sorry, there are only ${left} of ${product} left.`, {
        product,
        left,
      });
    }
  }
}
