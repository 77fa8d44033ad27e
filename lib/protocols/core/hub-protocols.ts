import { SignalRError } from '../../common/errors.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import type { HubProtocol } from './hub-protocol.js';
import { jsonProtocol } from './json-hub-protocol.js';

/**
 * The hub protocols that the clients of a hub may choose, by name.
 *
 * @param added what the application has beside JSON.
 * @throws SignalRError SIGNALR_OPTION_INVALID if the hub wants one that the application does not have.
 */
export function hubProtocolsOf(
  { name, coreOptions }: HubDescriptor,
  added: readonly HubProtocol[],
): ReadonlyMap<string, HubProtocol> {
  const all = new Map([jsonProtocol, ...added].map((protocol) => [protocol.name, protocol]));
  const supported = coreOptions?.supportedProtocols ?? [...all.keys()];
  return new Map(
    supported.map((wanted) => {
      const protocol = all.get(wanted);
      if (protocol === undefined) {
        const complaint = `hub ${name} wants '${wanted}', which is not among the hubProtocols of the application.`;
        throw SignalRError.of('SIGNALR_OPTION_INVALID', 'supportedProtocols', complaint);
      }
      return [wanted, protocol] as const;
    }),
  );
}
