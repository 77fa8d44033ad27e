import type { TransferFormat } from '../../common/core-options.js';
import { toError } from '../../common/errors.js';
import type { TransportName } from '../../transports/channel.js';
import { CoreMessage } from './core-message.js';
import { detailed } from './error-texts.js';
import type { HubProtocol } from './hub-protocol.js';
import { requireInteger, requireObject, requireText } from './json-messages.js';
import { namedError, ProtocolError } from './messages.js';
import { RECORD_SEPARATOR } from './record-reader.js';

const HIGHEST_VERSION = 2;

/** The outcome of a handshake: accepted, or the text for the client (signalr-core §3). */
export type HandshakeOutcome =
  { readonly protocol: HubProtocol; readonly version: number } | { readonly error: string };

const ACCEPTED = `{}${RECORD_SEPARATOR}`;

const acceptedAs: Readonly<Record<TransferFormat, CoreMessage>> = {
  Text: new CoreMessage(ACCEPTED, 'control'),
  Binary: new CoreMessage(Buffer.from(ACCEPTED), 'control'),
};

/** The answer already has the transfer format of the protocol (signalr-core §2.2). */
export function handshakeAccepted({ transferFormat }: HubProtocol): CoreMessage {
  return acceptedAs[transferFormat];
}

/** Nothing came in time, or too much. */
export const HANDSHAKE_CANCELED = 'Handshake was canceled.';

/** Something went wrong that has no text of its own. */
export const HANDSHAKE_FAILED = 'An unexpected error occurred during connection handshake.';

export function handshakeRefused(error: string): CoreMessage {
  return new CoreMessage(JSON.stringify({ error }) + RECORD_SEPARATOR, 'control');
}

/** What a handshake is judged by. */
export interface HandshakeRules {
  /** The hub protocols that clients may choose, by name. */
  readonly protocols: ReadonlyMap<string, HubProtocol>;
  readonly transport: TransportName | undefined;
  readonly withDetails: boolean;
}

/** Reads the first message of a client. */
export function readHandshake(
  text: string,
  { protocols, transport, withDetails }: HandshakeRules,
): HandshakeOutcome {
  let name: string;
  let version: number;
  try {
    ({ protocol: name, version } = parse(text));
  } catch (thrown) {
    return { error: detailed(HANDSHAKE_FAILED, toError(thrown), withDetails) };
  }
  const protocol = protocols.get(name.toLowerCase());
  if (protocol === undefined) {
    return { error: `The protocol '${name}' is not supported.` };
  }
  if (version > HIGHEST_VERSION) {
    return { error: `The server does not support version ${version} of the '${name}' protocol.` };
  }
  if (protocol.transferFormat === 'Binary' && transport === 'serverSentEvents') {
    return {
      error: `Cannot use the '${protocol.name}' protocol on the current transport. The transport does not support 'Binary' transfer format.`,
    };
  }
  return { protocol, version };
}

function parse(text: string): { protocol: string; version: number } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw namedError('JsonReaderException', toError(error).message);
  }
  const request = requireObject(json);
  for (const property of ['protocol', 'version']) {
    // A version that is null counts as missing, a protocol that is null as of a wrong type.
    if (!Object.hasOwn(request, property) || (property === 'version' && request.version === null)) {
      throw new ProtocolError(`Missing required property '${property}'. Message content: ${text}`);
    }
  }
  return {
    protocol: requireText(request, 'protocol'),
    version: requireInteger(request, 'version', 'Int32'),
  };
}
