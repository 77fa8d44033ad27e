import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { type ClientCall, type EnvelopeCodec, newCodecSlot } from '../../messaging/envelope.js';
import type { CoreMessage } from './core-message.js';
import type { HubProtocol } from './hub-protocol.js';

/** Calls of client methods under `hub.method`, encoded once per hub protocol for all who know them so. */
export class QualifiedCalls {
  private readonly codecs: ReadonlyMap<HubProtocol, EnvelopeCodec<CoreMessage>>;
  /** How clients call the hubs, by canonical name. */
  private readonly prefixes: ReadonlyMap<string, string>;

  constructor(hubs: readonly HubDescriptor[], protocols: Iterable<HubProtocol>) {
    this.prefixes = new Map(hubs.map(({ name, scriptName }) => [name, scriptName]));
    this.codecs = new Map(
      [...protocols].map((protocol) => [
        protocol,
        {
          slot: newCodecSlot(),
          encode: ({ message }) => protocol.invocation(this.addressed(message as ClientCall)),
        },
      ]),
    );
  }

  /** The codec for clients of a hub protocol. */
  of(protocol: HubProtocol): EnvelopeCodec<CoreMessage> {
    return this.codecs.get(protocol) as EnvelopeCodec<CoreMessage>;
  }

  targetOf(hub: string, method: string): string {
    return `${this.prefixes.get(hub) ?? hub}.${method}`;
  }

  addressed(call: ClientCall): ClientCall {
    return { ...call, method: this.targetOf(call.hub, call.method) };
  }
}
