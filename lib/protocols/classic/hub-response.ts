import { HubException } from '../../hubs/hub.exception.js';
import { toJson } from '../../common/json.js';

/** The parts of the answer to a call (signalr-2 §6.3). */
export interface HubResponse {
  readonly invocationId: string | undefined;
  /** State that the hub changed, as JSON. */
  readonly stateJson: string | undefined;
  readonly outcome:
    | { readonly result: unknown }
    | { readonly errorText: string; readonly error: unknown; readonly stackTrace: string | undefined };
}

/** Members come in the order of the original: `S`, `R`, `I`, `H`, `E`, `T`, `D`. Nulls are left out, but not the id. */
export function hubResponse({ invocationId, stateJson, outcome }: HubResponse): string {
  const state = stateJson === undefined ? '' : `"S":${stateJson},`;
  const id = `"I":${invocationId === undefined ? 'null' : JSON.stringify(invocationId)}`;
  if (!('errorText' in outcome)) {
    const { result } = outcome;
    const value = result === undefined || result === null ? '' : `"R":${toJson(result, 'The result')},`;
    return `{${state}${value}${id}}`;
  }
  const { error, errorText, stackTrace } = outcome;
  const isHubException = error instanceof HubException ? ',"H":true' : '';
  const data =
    error instanceof HubException && error.data !== undefined && error.data !== null
      ? `,"D":${toJson(error.data, 'The data of a HubException')}`
      : '';
  const trace = stackTrace === undefined ? '' : `,"T":${JSON.stringify(stackTrace)}`;
  return `{${state}${id}${isHubException},"E":${JSON.stringify(errorText)}${trace}${data}}`;
}
