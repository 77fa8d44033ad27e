import type { ModuleMetadata, Type } from '@nestjs/common';

import type { SignalROptions } from '../common/option-defaults.js';
import type { ConnectionMetrics } from '../connections/connection-metrics.js';
import type { HubPipelineModule } from '../invocation/hub-pipeline-module.js';
import type { ValidationErrorFactory } from '../invocation/validation-failure.js';
import type { Backplane } from '../messaging/backplane.js';
import type { HubProtocol } from '../protocols/core/hub-protocol.js';

/**
 * What `SignalRModule.forRoot` takes.
 *
 * @publicApi
 */
export interface SignalRModuleOptions extends SignalROptions {
  /**
   * Modules that see everything that goes through hubs, the first outermost: instances, or classes that are providers of any module or whose
   * dependencies the importing module can see. Default: none.
   */
  pipeline?: readonly (HubPipelineModule | Type<HubPipelineModule>)[];
  /**
   * Makes the error that the caller gets for an argument that a validating pipe did not accept. A throw is the error.
   * Default: a `HubException` that names hub, method, argument and the broken rules, also in its data.
   */
  validationError?: ValidationErrorFactory;
  /**
   * Hub protocols that Core clients may choose beside JSON, such as `new MessagePackHubProtocol()` of
   * `nestjs-signalr/msgpack`. Default: none.
   */
  hubProtocols?: readonly HubProtocol[];
  /**
   * Measures connections: `new OpenTelemetryMetrics()` of `nestjs-signalr/telemetry`. It is called when connections begin and
   * end; what it throws is logged. Default: nothing is measured.
   */
  metrics?: ConnectionMetrics;
  /** Carries messages between processes. Default: a {@link MemoryBackplane}, for one process. */
  backplane?: Backplane;
}

/** Makes options in a class of your own. */
export interface SignalROptionsFactory {
  createSignalROptions(): SignalRModuleOptions | Promise<SignalRModuleOptions>;
}

/**
 * What `SignalRModule.forRootAsync` takes: one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface SignalRModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  useFactory?: (...args: never[]) => SignalRModuleOptions | Promise<SignalRModuleOptions>;
  /** What `useFactory` gets. */
  inject?: readonly unknown[];
  useClass?: Type<SignalROptionsFactory>;
  useExisting?: Type<SignalROptionsFactory>;
  /** Makes hub contexts injectable in all modules. Default: true. */
  isGlobal?: boolean;
}
