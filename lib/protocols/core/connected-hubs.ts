import type { Connection } from '../../connections/connection.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubEvent, HubInvoker } from '../../invocation/hub-invoker.js';
import type { ClientCall, Envelope } from '../../messaging/envelope.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { CoreMessage } from './core-message.js';
import type { HubProtocol } from './hub-protocol.js';

/** What a client calls. */
export interface CalledMethod {
  readonly hub: HubDescriptor;
  /** The method alone, as the client spelled it. */
  readonly method: string;
}

/** The hubs that a connection talks to, and how the two ends name what is theirs. */
export interface ConnectedHubs {
  /** Canonical names. */
  readonly names: readonly string[];

  /** Finds what a client calls; undefined if there is no such hub. */
  find(target: string): CalledMethod | undefined;

  /** How clients call a method. */
  targetOf(hub: HubDescriptor, method: string): string;

  /** Raises an event of all of them. Rejects with what the first of those threw that failed. */
  raise(connection: Connection, event: HubEvent, request: HubRequest): Promise<void>;

  /** A published message as the client gets it; undefined if it does not. */
  encode(envelope: Envelope, protocol: HubProtocol): CoreMessage | undefined;

  /** A call for this client alone, under the name that it knows. */
  addressed(call: ClientCall): ClientCall;
}

/** One hub: targets are the names of its methods. */
export class SingleHub implements ConnectedHubs {
  readonly names: readonly string[];

  constructor(
    private readonly hub: HubDescriptor,
    private readonly invoker: HubInvoker,
  ) {
    this.names = [hub.name];
  }

  find(target: string): CalledMethod {
    return { hub: this.hub, method: target };
  }

  targetOf(_hub: HubDescriptor, method: string): string {
    return method;
  }

  raise(connection: Connection, event: HubEvent, request: HubRequest): Promise<void> {
    return this.invoker.raise(connection, this.hub, event, request);
  }

  encode(envelope: Envelope, protocol: HubProtocol): CoreMessage | undefined {
    const { message } = envelope;
    return message.type === 'call' && message.hub === this.hub.name
      ? envelope.encodedBy(protocol.calls)
      : undefined;
  }

  addressed(call: ClientCall): ClientCall {
    return call;
  }
}
