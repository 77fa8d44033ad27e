import { CallerState } from '../../hubs/caller-state.js';
import { isDeeperThan } from '../depth.js';
import { BadClassicRequest } from './request.js';

/** A call of a hub method (signalr-2 §6.1). */
export interface HubMessage {
  readonly hub: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** Undefined if the client sent none; the answer then says null. */
  readonly invocationId: string | undefined;
  readonly state: CallerState;
}

const STATE_LIMIT = 4096;
const STATE_DEPTH = 20;

/**
 * Reads a call.
 *
 * @throws BadClassicRequest if it is none: over WebSockets the client gets no reply, otherwise 500 (signalr-2 §4.3).
 */
export function readHubMessage(text: string): HubMessage {
  const { H: hub, M: method, A: args, I: id, S: state } = members(parseObject(text));
  if (typeof hub !== 'string' || hub === '') {
    throw new BadClassicRequest('the message names no hub');
  }
  if (method !== undefined && method !== null && typeof method !== 'string') {
    throw new BadClassicRequest('the name of the method is no text');
  }
  if (args !== undefined && args !== null && !Array.isArray(args)) {
    throw new BadClassicRequest('the arguments are no array');
  }
  return {
    hub,
    method: method ?? '',
    args: (args as unknown[] | null | undefined) ?? [],
    invocationId: readId(id),
    state: readState(state),
  };
}

function parseObject(text: string): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BadClassicRequest('the message is no JSON', { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new BadClassicRequest('the message is no object');
  }
  return json;
}

interface Members {
  readonly H?: unknown;
  readonly M?: unknown;
  readonly A?: unknown;
  readonly I?: unknown;
  readonly S?: unknown;
}

/** Names are matched in any case, like the original's JSON reader does; every known client writes them in upper case. */
function members(json: Members): Members {
  if (json.H !== undefined) {
    return json;
  }
  const upper: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(json)) {
    upper[name.toUpperCase()] = value;
  }
  return upper;
}

function readId(id: unknown): string | undefined {
  if (id === undefined || id === null) {
    return undefined;
  }
  if (typeof id === 'object') {
    throw new BadClassicRequest('the id is no scalar');
  }
  return String(id as string | number | boolean);
}

function readState(state: unknown): CallerState {
  if (state === undefined || state === null) {
    return new CallerState();
  }
  if (typeof state !== 'object' || Array.isArray(state)) {
    throw new BadClassicRequest('the state is no object');
  }
  if (JSON.stringify(state).length > STATE_LIMIT) {
    throw new BadClassicRequest('State has exceeded the maximum length of 4096 bytes.');
  }
  if (isDeeperThan(state, STATE_DEPTH)) {
    throw new BadClassicRequest(`the state is nested deeper than ${STATE_DEPTH} levels`);
  }
  return new CallerState(new Map(Object.entries(state)));
}
