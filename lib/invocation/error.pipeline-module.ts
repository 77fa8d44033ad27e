import { HubPipelineModule } from './hub-pipeline-module.js';
import type { HubErrorContext, HubIncomingContext } from './pipeline-contexts.js';

/** What to do about a call that has failed. */
export type HandleIncomingError = (error: HubErrorContext, call: HubIncomingContext) => void | Promise<void>;

/**
 * Calls a function for each call of a hub method that fails: `pipeline: [new ErrorPipelineModule(report)]`. It may
 * assign `error.error` or `error.result`, as `onIncomingError` may.
 *
 * @publicApi
 */
export class ErrorPipelineModule extends HubPipelineModule {
  constructor(private readonly handle: HandleIncomingError) {
    super();
  }

  override onIncomingError(error: HubErrorContext, call: HubIncomingContext): void | Promise<void> {
    return this.handle(error, call);
  }
}
