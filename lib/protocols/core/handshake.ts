import { toError } from '../../common/errors.js';
import { CoreMessage, RECORD_SEPARATOR, requireNumber, requireObject, requireText } from './codec.js';
import { detailed } from './error-texts.js';
import { ProtocolError } from './messages.js';

const HIGHEST_VERSION = 2;
const INT32 = 0x7fff_ffff;

/** The outcome of a handshake: accepted, or the text for the client (signalr-core §3). */
export type HandshakeOutcome = { readonly protocol: 'json' } | { readonly error: string };

export const HANDSHAKE_ACCEPTED = new CoreMessage(`{}${RECORD_SEPARATOR}`, false);

/** Nothing came in time, or too much. */
export const HANDSHAKE_CANCELED = 'Handshake was canceled.';

export function handshakeRefused(error: string): CoreMessage {
  return new CoreMessage(JSON.stringify({ error }) + RECORD_SEPARATOR, false);
}

/** Reads the first message of a client. */
export function readHandshake(text: string, withDetails: boolean): HandshakeOutcome {
  let protocol: string;
  let version: number;
  try {
    ({ protocol, version } = parse(text));
  } catch (thrown) {
    return {
      error: detailed(
        'An unexpected error occurred during connection handshake.',
        toError(thrown),
        withDetails,
      ),
    };
  }
  if (protocol.toLowerCase() !== 'json') {
    return { error: `The protocol '${protocol}' is not supported.` };
  }
  if (version > HIGHEST_VERSION) {
    return { error: `The server does not support version ${version} of the '${protocol}' protocol.` };
  }
  return { protocol: 'json' };
}

function parse(text: string): { protocol: string; version: number } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw named('JsonReaderException', toError(error).message);
  }
  const request = requireObject(json);
  for (const property of ['protocol', 'version']) {
    if (!Object.hasOwn(request, property)) {
      throw new ProtocolError(`Missing required property '${property}'. Message content: ${text}`);
    }
  }
  const protocol = requireText(request, 'protocol');
  const version = requireNumber(request, 'version');
  if (!Number.isInteger(version) || Math.abs(version) > INT32) {
    throw named('FormatException', 'The version is no 32-bit integer.');
  }
  return { protocol, version };
}

/** An error that shows the client a type name of the original. */
function named(name: string, message: string): Error {
  const error = new ProtocolError(message);
  Object.defineProperty(error, 'name', { value: name });
  return error;
}
