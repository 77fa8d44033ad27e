import type { TraceContext } from '../../invocation/invocation-request.js';

/** The form of W3C Trace Context, version 00 and later ones that begin like it. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** Characters that are taken of a header, so that no client fills logs or spans. */
const LONGEST = 8_192;

/** The trace that a client is in; undefined if its headers do not tell (signalr-core §9.2). All other headers are ignored. */
export function readTraceContext(headers: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const { traceparent } = headers;
  if (typeof traceparent !== 'string' || traceparent.length > LONGEST || !TRACE_PARENT.test(traceparent)) {
    return undefined;
  }
  return { traceparent, tracestate: optional(headers.tracestate), baggage: optional(headers.baggage) };
}

function optional(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= LONGEST ? value : undefined;
}
