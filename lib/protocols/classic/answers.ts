import { toError } from '../../common/errors.js';
import { traceSource } from '../../common/trace.js';
import { BodyError, type HttpAnswer } from '../../transports/http.js';
import { AuthenticationError } from '../authenticate.js';
import { Rejected, rejection } from './admission.js';
import { persistentResponse } from './codec.js';
import { jsonText } from './negotiate.js';
import { BadClassicRequest } from './request.js';

const logger = traceSource('SignalR.PersistentConnection');

/** The answer that is none: a channel has the socket or the response. */
export const TAKEN: HttpAnswer = { status: 101 };

/** A Core client that got a classic answer would complain of the kind of server instead of the name of its hub. */
export const NO_SUCH_HUB: HttpAnswer = {
  status: 404,
  headers: { 'Content-Type': 'text/plain' },
  body: 'There is no hub at this path.',
};

/**
 * The answer to a client that was sent away. One that polls may have been between two polls, so that this is the first it
 * hears of it.
 */
export function refuseDismissed(isPoll: boolean, dismissal: string): HttpAnswer {
  return isPoll
    ? jsonText(persistentResponse({ cursor: '', dismissal, messages: '' }))
    : rejection(403, dismissal);
}

/** Anything thrown becomes an answer; the process lives on. */
export function failure(error: unknown): HttpAnswer {
  if (error instanceof Rejected) {
    return error.answer;
  }
  if (error instanceof AuthenticationError) {
    return rejection(401);
  }
  if (error instanceof BodyError) {
    return rejection(error.status);
  }
  if (error instanceof BadClassicRequest) {
    logger.debug(`a request was refused: ${error.message}`);
  } else {
    logger.error('a request failed', toError(error).stack);
  }
  return rejection(500);
}
