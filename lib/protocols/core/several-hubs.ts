import { toError } from '../../common/errors.js';
import { allOrFirstFailure } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import type { Connection } from '../../connections/connection.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubEvent, HubInvoker } from '../../invocation/hub-invoker.js';
import type { ClientCall, Envelope } from '../../messaging/envelope.js';
import type { HubRequest } from '../../transports/hub-request.js';
import type { CalledMethod, ConnectedHubs } from './connected-hubs.js';
import type { CoreMessage } from './core-message.js';
import type { HubProtocol } from './hub-protocol.js';
import type { QualifiedCalls } from './qualified-calls.js';

const logger = traceSource('SignalR.HubDispatcher');

/** Several hubs over one connection: targets are `hub.method`. Names of hubs have no dot, those of methods may. */
export class SeveralHubs implements ConnectedHubs {
  readonly names: readonly string[];
  /** The hubs that know of the connection. */
  private readonly greeted: HubDescriptor[] = [];

  constructor(
    private readonly hubs: readonly HubDescriptor[],
    private readonly invoker: HubInvoker,
    private readonly qualified: QualifiedCalls,
  ) {
    this.names = hubs.map(({ name }) => name);
  }

  find(target: string): CalledMethod | undefined {
    const dot = target.indexOf('.');
    const name = target.slice(0, Math.max(dot, 0)).toLowerCase();
    const hub = this.hubs.find((each) => each.name.toLowerCase() === name);
    return hub && { hub, method: target.slice(dot + 1) };
  }

  targetOf(hub: HubDescriptor, method: string): string {
    return this.qualified.targetOf(hub.name, method);
  }

  async raise(connection: Connection, event: HubEvent, request: HubRequest): Promise<void> {
    if (event.name !== 'onConnected') {
      await this.raiseFor(this.greeted, connection, event, request);
      return;
    }
    try {
      await this.raiseFor(this.hubs, connection, event, request, (hub) => this.greeted.push(hub));
    } catch (error) {
      await this.takeBack(connection, request);
      throw error;
    }
  }

  encode(envelope: Envelope, protocol: HubProtocol): CoreMessage | undefined {
    const { message } = envelope;
    return message.type === 'call' && this.names.includes(message.hub)
      ? envelope.encodedBy(this.qualified.of(protocol))
      : undefined;
  }

  addressed(call: ClientCall): ClientCall {
    return this.qualified.addressed(call);
  }

  /** A hub did not want the client: those that had greeted it learn that nothing comes of it. */
  private async takeBack(connection: Connection, request: HubRequest): Promise<void> {
    const event = { name: 'onDisconnected', args: [false] } as const;
    try {
      await this.raiseFor(this.greeted, connection, event, request);
    } catch (error) {
      report(event.name, 'another hub had failed before', error);
    }
  }

  private raiseFor(
    hubs: readonly HubDescriptor[],
    connection: Connection,
    event: HubEvent,
    request: HubRequest,
    onRaised: (hub: HubDescriptor) => void = () => undefined,
  ): Promise<void> {
    const raised = hubs.map(async (hub) => {
      await this.invoker.raise(connection, hub, event, request);
      onRaised(hub);
    });
    return allOrFirstFailure(raised, (error) => report(event.name, 'another hub failed as well', error));
  }
}

function report(event: string, what: string, error: unknown): void {
  logger.error(`${event}: ${what}`, toError(error).stack);
}
