export type { Clock, CancelTimer } from './common/clock.js';
export type {
  CoreHubOptions,
  CoreTransport,
  HttpConnectionOptions,
  MultiplexOptions,
  TransferFormat,
} from './common/core-options.js';
export { SignalRError, type SignalRErrorCode } from './common/errors.js';
export type { SignalROptions } from './common/option-defaults.js';
export type {
  ClassicOptions,
  ClassicTransport,
  ClientAddress,
  CorsOptions,
  LimitOptions,
  NegotiatingClient,
  OutboxOptions,
  RelayOptions,
  Redirection,
} from './common/options.js';
export { TRACE_SOURCES, type TraceLevel, type TraceSourceName, type TracingOption } from './common/trace.js';
export { ConnectionContext } from './connection-handlers/connection-context.js';
export { SignalRConnectionHandler } from './connection-handlers/connection-handler.js';
export type {
  ConnectionHandlerOptions,
  HandlerOutboxOptions,
} from './connection-handlers/connection-handler-options.js';
export type { ConnectionMetrics, ConnectionStatus, MessageLoss } from './connections/connection-metrics.js';
export type { DrainPlan } from './connections/drain.js';
export type { ProtocolFamily } from './connections/connection.js';
export { Authorize } from './decorators/authorize.decorator.js';
export { ConnectionHandler } from './decorators/connection-handler.decorator.js';
export { Hub } from './decorators/hub.decorator.js';
export { HubMethod } from './decorators/hub-method.decorator.js';
export { HubStream } from './decorators/hub-stream.decorator.js';
export { HubProgress } from './decorators/hub-progress.decorator.js';
export { HubCancellation, HubContextParam } from './decorators/hub-parameters.decorator.js';
export { InjectHubContext } from './decorators/inject-hub-context.decorator.js';
export { InjectPersistentConnectionContext } from './decorators/inject-persistent-connection-context.decorator.js';
export { PersistentConnection } from './decorators/persistent-connection.decorator.js';
export { UsePipeline } from './decorators/use-pipeline.decorator.js';
export type { ClientProxy, DynamicClient, SingleClientProxy } from './hubs/client-proxy.js';
export type { ClientResult, GatherOptions } from './hubs/client-results.js';
export { GroupManager } from './hubs/group-manager.js';
export { HubConnections } from './hubs/hub-connections.js';
export type {
  ConnectionFilter,
  DisconnectRequest,
  DisconnectTarget,
  PresenceHandler,
} from './hubs/hub-connections.js';
export { HubGroupManager } from './hubs/hub-group-manager.js';
export { HubCallerContext } from './hubs/hub-caller-context.js';
export { HubCallerClients, HubClients } from './hubs/hub-clients.js';
export type { ClientOf, IHubContext } from './hubs/hub-context.js';
export { getHubContextToken } from './hubs/hub-context.token.js';
export type { HubDescriptor, HubMethodDescriptor, HubParameter } from './hubs/hub-descriptor.js';
export type { HubOutgoingContext, SendHubCall } from './hubs/hub-sender.js';
export { HubException } from './hubs/hub.exception.js';
export type { HubOptions } from './hubs/hub-options.js';
export type { IProgress } from './hubs/progress.js';
export { SignalRHub } from './hubs/signalr-hub.js';
export { IUserIdProvider } from './hubs/user-id-provider.js';
export { AuthorizeGuard, type AuthorizeOptions } from './invocation/authorize.guard.js';
export { ErrorPipelineModule, type HandleIncomingError } from './invocation/error.pipeline-module.js';
export { LoggingPipelineModule } from './invocation/logging.pipeline-module.js';
export type { ValidationErrorFactory, ValidationFailure } from './invocation/validation-failure.js';
export { HubPipeline } from './invocation/hub-pipeline.js';
export { HubPipelineModule, type Verdict } from './invocation/hub-pipeline-module.js';
export type { TraceContext } from './invocation/invocation-request.js';
export {
  type AuthorizeHubConnect,
  HubErrorContext,
  type HubIncomingContext,
  type HubLifecycleContext,
  type InvokeHubMethod,
  type RaiseHubDisconnect,
  type RaiseHubEvent,
  type RejoinHubGroups,
} from './invocation/pipeline-contexts.js';
export type { HubStreamOptions } from './invocation/stream-parameter.js';
export { SignalRExecutionContext } from './invocation/signalr-execution-context.js';
export type {
  Acknowledgement,
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  SkipReason,
  Replay,
  ReplayScreen,
  ReplayTopic,
} from './messaging/backplane.js';
export { InvalidCursorError } from './messaging/backplane.js';
export type {
  ConnectionDirectory,
  ConnectionEntry,
  ConnectionQuery,
  PresenceChange,
  PresenceListener,
} from './messaging/connection-directory.js';
export {
  type ClientCall,
  Envelope,
  type Message,
  type ProgressReport,
  type RawMessage,
} from './messaging/envelope.js';
export { MemoryBackplane, type MemoryBackplaneOptions } from './messaging/memory-backplane.js';
export { MemoryBroker, type MemoryLogOptions } from './messaging/memory-broker.js';
export type { ClientAnswer, NodeCommand } from './messaging/node-command.js';
export type { NodeNote, NoteData, RelayedAnswer, RelayedRequest, RelayPart } from './messaging/node-note.js';
export { HubContextRegistry } from './nest/hub-context.registry.js';
export { PersistentConnectionRegistry } from './nest/persistent-connection.registry.js';
export { SignalRService } from './nest/signalr.service.js';
export { SignalRModule } from './nest/signalr.module.js';
export type {
  SignalRModuleAsyncOptions,
  SignalRModuleOptions,
  SignalROptionsFactory,
} from './nest/signalr.module-options.js';
export type { HubProtocol, MessageReader } from './protocols/core/hub-protocol.js';
export { SignalRPersistentConnection } from './persistent-connections/persistent-connection.js';
export {
  ConnectionGroupManager,
  getPersistentConnectionContextToken,
  type IConnection,
  type IPersistentConnectionContext,
} from './persistent-connections/persistent-connection.context.js';
export type { TransportName } from './transports/channel.js';
export { HubRequest } from './transports/hub-request.js';
export { QueryValues } from './transports/query.js';
