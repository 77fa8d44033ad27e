import type { CoreHubOptions } from '../common/core-options.js';

/**
 * What `@Hub({ … })` takes. Options of Core clients given here win over those of `SignalRModule.forRoot` for this hub.
 *
 * @publicApi
 */
export interface HubOptions extends Partial<CoreHubOptions> {
  /**
   * The name that clients use. Taken as it is; matched in any case. Must not contain a dot or a slash.
   * Default: the class name; in the generated proxy and the path of Core clients it starts with a lower-case letter.
   */
  name?: string;
  /** Path of the hub for Core clients, absolute. Default: the base path, `/` and the name, as in `/signalr/chatHub`. */
  path?: string;
}

/** What is stored on a hub class. */
export interface HubMetadata {
  readonly options: HubOptions;
}

/** What is stored for a hub method. */
export interface HubMethodMetadata {
  readonly propertyKey: string;
  /** The name given to `@HubMethod`; undefined if the method's own name counts. */
  readonly name: string | undefined;
}
