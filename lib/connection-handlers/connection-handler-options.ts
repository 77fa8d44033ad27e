import { httpConnectionRules } from '../common/core-option-defaults.js';
import type { HttpConnectionOptions, TransferFormat } from '../common/core-options.js';
import { SignalRError } from '../common/errors.js';
import { mergeOptions, oneOf, or, type OptionRules, wholeNumber } from '../common/option-rules.js';
import type { OutboxOptions } from '../common/options.js';

/** What may wait for one client. Nothing of a raw connection is ever left out, so there is no policy. */
export type HandlerOutboxOptions = Pick<OutboxOptions, 'maxBytes' | 'maxMessages'>;

/** Options that only connection handlers have. */
interface PlainHandlerOptions extends HttpConnectionOptions {
  /**
   * Whether clients talk in text or in bytes. `Text`: `onReceived` gets texts, and WebSockets carry text messages. `Binary`:
   * it gets Buffers, WebSockets carry binary messages, and event streams, which cannot carry them, are not offered.
   * Default: `Text`.
   */
  transferFormat: TransferFormat;
  /** Largest WebSocket message of a client in bytes; null for no limit. Default: 1,048,576. */
  maximumWebSocketMessageSize: number | null;
  /**
   * Bytes that may wait for a client before `send` lets its caller wait; 0 for no limit. Who does not wait is limited by
   * `outbox`, so it should be well below its `maxBytes`. Default: 65,536 (signalr-core §2.1).
   */
  transportMaxBufferSize: number;
}

/** The options of one connection handler, complete. */
export interface HandlerOptions extends PlainHandlerOptions {
  readonly outbox: HandlerOutboxOptions;
}

/**
 * What `@ConnectionHandler(path, { … })` takes. Those that hubs have as well default to those of `core` in
 * `SignalRModule.forRoot`.
 *
 * @publicApi
 */
export interface ConnectionHandlerOptions extends Partial<PlainHandlerOptions> {
  /** What may wait for one client that does not read; beyond that it is cut off. Default: the `outbox` of the application. */
  outbox?: Partial<HandlerOutboxOptions>;
}

const plainRules: OptionRules<PlainHandlerOptions> = {
  ...httpConnectionRules,
  transferFormat: oneOf('Text', 'Binary'),
  maximumWebSocketMessageSize: or(null, wholeNumber(1)),
  transportMaxBufferSize: wholeNumber(0),
};

const outboxRules: OptionRules<HandlerOutboxOptions> = {
  maxBytes: wholeNumber(1),
  maxMessages: wholeNumber(1),
};

/**
 * Checks the options of a connection handler and puts them over those of the application.
 *
 * @throws SignalRError SIGNALR_OPTION_UNKNOWN, SIGNALR_OPTION_INVALID
 */
export function resolveHandlerOptions(
  inherited: HttpConnectionOptions & { readonly outbox: HandlerOutboxOptions },
  { outbox, ...plain }: ConnectionHandlerOptions,
  path: string,
): HandlerOptions {
  const group = `@ConnectionHandler('${path}').`;
  const defaults: PlainHandlerOptions = {
    ...inherited,
    transferFormat: 'Text',
    maximumWebSocketMessageSize: 1_048_576,
    transportMaxBufferSize: 65_536,
  };
  const merged = mergeOptions(plainRules, defaults, plain, group);
  return {
    ...merged,
    transports: transportsOf(merged, group),
    outbox: mergeOptions(outboxRules, inherited.outbox, outbox, `${group}outbox.`),
  };
}

/** Event streams carry text only (signalr-core §2.3). */
function transportsOf(
  { transports, transferFormat }: PlainHandlerOptions,
  group: string,
): HttpConnectionOptions['transports'] {
  if (transferFormat === 'Text') {
    return transports;
  }
  const binary = transports.filter((transport) => transport !== 'ServerSentEvents');
  if (binary.length === 0) {
    const complaint = 'ServerSentEvents carries no bytes, and nothing else is allowed.';
    throw SignalRError.of('SIGNALR_OPTION_INVALID', `${group}transports`, complaint);
  }
  return binary;
}
