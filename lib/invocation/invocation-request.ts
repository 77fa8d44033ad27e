import type { CallerState } from '../hubs/caller-state.js';
import type { HubDescriptor } from '../hubs/hub-descriptor.js';
import type { HubRequest } from '../transports/hub-request.js';

/** What a client can take as the outcome of a call. */
export type Expectation =
  /** One value; a method that gives a stream is refused. */
  | 'value'
  /** One value, and reports before it: of a stream these are its items, and the last one is the value as well. */
  | 'progress'
  /** A stream; a method that gives none is refused. */
  | 'stream';

/** The place of a call among those of its client that may run at the same time. */
export interface CallSlot {
  /** Gives the place back, once, although the call goes on. */
  release(): void;
}

/**
 * The trace that a client is in, as W3C Trace Context and Baggage have it; .NET clients send it with each call
 * (signalr-core §9.2).
 */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  readonly baggage: string | undefined;
}

/** What a client wants to have called. */
export interface InvocationRequest {
  readonly hub: HubDescriptor;
  readonly target: string;
  readonly args: readonly unknown[];
  readonly invocationId: string | undefined;
  readonly expects: Expectation;
  /** Streams that the client sends with the call, in order. */
  readonly uploads?: readonly AsyncIterable<unknown>[] | undefined;
  /** Given back while the method waits for a client (signalr-core §6.1). */
  readonly slot?: CallSlot | undefined;
  readonly traceContext?: TraceContext | undefined;
  readonly state?: CallerState;
  /** The request that carried the call. */
  readonly request: HubRequest;
}
