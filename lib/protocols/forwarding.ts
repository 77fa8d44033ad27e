import type { OpenLine } from '../connections/relay/forwarded-request.js';
import { fromNoteData } from '../connections/relay/note-data.js';
import type { LossKind } from '../connections/relay/relay.js';
import type { Relays } from '../connections/relay/relays.js';
import { userName } from '../hubs/user-id-provider.js';
import type { RelayedRequest } from '../messaging/node-note.js';
import type { HttpAnswer } from '../transports/http.js';
import type { HubRequest } from '../transports/hub-request.js';

/** Something that a client is connected by: a response, or the socket of an upgrade. */
export interface ClientLine {
  readonly destroyed: boolean;
  readonly writableFinished: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/** A client whose request goes to another node. */
export interface ForwardedClient {
  readonly line: ClientLine;
  /** The body, where the owner is to read it as it comes. */
  readonly body?: AsyncIterable<Buffer>;
  /** Opens what the owner writes to, where that is more than an answer. */
  readonly openLine?: OpenLine;
}

/** An answer to a request, of this node or of the one that it was forwarded to. */
export type Answer = HttpAnswer<string | Uint8Array>;

/** What the owner of a connection made of a request. */
export type ForwardedAnswer =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** The client has its line, or has left: there is nothing to answer. */
  | { readonly type: 'taken' }
  /** That node does not have the connection. */
  | { readonly type: 'absent' }
  /** That node is dead, or cannot be heard. */
  | { readonly type: 'lost'; readonly kind: LossKind };

/**
 * Has another node serve a request, and waits as long as that takes: the owner knows the time-outs of the operation, and
 * its death ends the wait. A client that leaves ends the request there as well.
 */
export async function forward(
  relays: Relays,
  nodeId: string,
  request: RelayedRequest,
  { line, body, openLine }: ForwardedClient,
): Promise<ForwardedAnswer> {
  if (line.destroyed) {
    return { type: 'taken' };
  }
  const forwarded = relays.open(nodeId, request, openLine);
  const onClose = (): void => forwarded.close(line.writableFinished);
  line.once('close', onClose);
  if (body !== undefined) {
    void forwarded.sendBody(body);
  }
  const outcome = await forwarded.outcome;
  if (outcome.type === 'answer') {
    const { body: data, ...head } = outcome.answer;
    return {
      type: 'answer',
      answer: { ...head, ...(data !== undefined && { body: fromNoteData(data) }) },
    };
  }
  line.off('close', onClose);
  if (outcome.type === 'accept') {
    return { type: 'taken' };
  }
  return line.destroyed ? { type: 'taken' } : outcome;
}

/** A request in the form in which it travels. */
export function toRelayed(
  { url, headers, remoteAddress, user }: HubRequest,
  address: Pick<RelayedRequest, 'scope' | 'operation' | 'connectionId' | 'details'>,
): RelayedRequest {
  return { url, headers, remoteAddress, user: portable(user), ...address };
}

/**
 * What of a user can travel. Getters, symbols and what JSON does not know stay behind; who it is must not, because the
 * owner compares it.
 */
function portable(user: unknown): unknown {
  const name = userName(user);
  let copy: unknown;
  try {
    copy = user === undefined ? undefined : (JSON.parse(JSON.stringify(user) ?? 'null') as unknown);
  } catch {
    copy = undefined;
  }
  return userName(copy) === name ? copy : { ...(copy as object | undefined), sub: name };
}
