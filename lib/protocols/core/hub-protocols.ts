import type { CoreHubOptions } from '../../common/core-options.js';
import { SignalRError } from '../../common/errors.js';
import type { HubProtocol } from './hub-protocol.js';
import { jsonProtocol } from './json-hub-protocol.js';

/**
 * The hub protocols that the clients of a url may choose, by name.
 *
 * @param owner who wants them, for messages to developers.
 * @param added what the application has beside JSON.
 * @throws SignalRError SIGNALR_OPTION_INVALID if one is wanted that the application does not have.
 */
export function hubProtocolsOf(
  owner: string,
  { supportedProtocols }: CoreHubOptions,
  added: readonly HubProtocol[],
): ReadonlyMap<string, HubProtocol> {
  const all = new Map([jsonProtocol, ...added].map((protocol) => [protocol.name, protocol]));
  const supported = supportedProtocols ?? [...all.keys()];
  return new Map(
    supported.map((wanted) => {
      const protocol = all.get(wanted);
      if (protocol === undefined) {
        const complaint = `${owner} wants '${wanted}', which is not among the hubProtocols of the application.`;
        throw SignalRError.of('SIGNALR_OPTION_INVALID', 'supportedProtocols', complaint);
      }
      return [wanted, protocol] as const;
    }),
  );
}
