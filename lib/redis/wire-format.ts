import type { Message } from '../messaging/envelope.js';

/**
 * Version of what nodes publish. It changes only when a node of an older release could not make sense of it any more;
 * members and words that a release does not know are passed over, so that two releases run side by side.
 */
export const WIRE_VERSION = 1;

/** Who sent a message, and as which of its messages. */
export interface Sender {
  /** Short name of a run of a process. */
  readonly tag: string;
  /** The sender's messages are numbered from 1, without a hole. */
  readonly count: number;
}

/** A message as it travels. */
export interface WireMessage extends Sender {
  /** Life of the log in which it was published; `-` if there is no log. */
  readonly epoch: string;
  /** Its place in the order of all messages; 0 if there is no log. */
  readonly sequence: number;
  /** Term of the log in which it got its place; empty if a release has published it that knows no terms. */
  readonly term: string;
  readonly message: Message;
}

/**
 * What the sender writes into the first line, which is made of words; the message follows as JSON. Scripts put version,
 * epoch and sequence in front, and the term after it.
 */
export function encodeHead({ tag, count }: Sender): string {
  return `${tag} ${count}`;
}

/** What is published where no script does it. */
export function encodeWithoutLog(head: string, text: string): string {
  return `${WIRE_VERSION} - 0 ${head}\n${text}`;
}

/** Reads a published message. @throws UnknownVersionError, SyntaxError */
export function decodePublished(payload: string): WireMessage {
  const [head, json] = split(payload);
  const [, epoch = '', sequence = '', tag = '', count = ''] = head;
  return complete({ epoch, sequence: Number(sequence), tag, count: Number(count), term: termOf(head) }, json);
}

/** Reads a message of a log, whose place is known from its id there. @throws UnknownVersionError, SyntaxError */
export function decodeLogged(value: string, epoch: string, sequence: number): WireMessage {
  const [head, json] = split(value);
  const [, tag = '', count = ''] = head;
  return complete({ epoch, sequence, tag, count: Number(count), term: termOf(head) }, json);
}

/** The word that begins with an @ is the term. */
function termOf(head: readonly string[]): string {
  return head.find((word) => word.startsWith('@'))?.slice(1) ?? '';
}

function split(payload: string): [string[], string] {
  const end = payload.indexOf('\n');
  const head = payload.slice(0, Math.max(end, 0)).split(' ');
  if (Number(head[0]) > WIRE_VERSION) {
    throw new UnknownVersionError(head[0] as string);
  }
  return [head, payload.slice(end + 1)];
}

function complete(head: Omit<WireMessage, 'message'>, json: string): WireMessage {
  if (head.tag === '' || !Number.isSafeInteger(head.count) || !Number.isSafeInteger(head.sequence)) {
    throw new SyntaxError('it has no proper head');
  }
  return { ...head, message: JSON.parse(json) as Message };
}

/** Of a newer release than this one. */
export class UnknownVersionError extends Error {
  override readonly name = 'UnknownVersionError';

  constructor(readonly version: string) {
    super(`it has version ${version} of the format, this release knows ${WIRE_VERSION}`);
  }
}
