import type { HttpAnswer } from '../../transports/http.js';
import { BadClassicRequest } from './request.js';

/** The words that cannot be names in a script (signalr-2 §1.5). */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'break do instanceof typeof case else new var catch finally return void continue for switch while debugger ' +
    'function this with default if throw delete in try class enum extends super const export import implements let ' +
    'private public yield interface package protected static NaN undefined Infinity'
  ).split(' '),
);

/**
 * The callback of a request, if it has one.
 *
 * @throws BadClassicRequest if it is no name of a function: anything else would be script of a stranger's choice. The
 * original checks it on some requests only; here it is checked on all.
 */
export function readCallback(callback: string | undefined): string | undefined {
  if (callback === undefined || callback === '') {
    return undefined;
  }
  const isName = callback
    .split('.')
    .every((part) => /^[\p{L}$_][\p{L}\p{Nd}$_]*$/u.test(part) && !RESERVED.has(part));
  if (!isName) {
    throw new BadClassicRequest('The callback is no name of a function.');
  }
  return callback;
}

/** JSON, or a script that hands it to a callback. */
export function wrapCallback(callback: string | undefined, json: string): string {
  return callback === undefined ? json : `${callback}(${json});`;
}

/** An answer as a script that calls back. */
export function asScript(answer: HttpAnswer, callback: string | undefined): HttpAnswer {
  return callback === undefined
    ? answer
    : {
        ...answer,
        headers: { ...answer.headers, 'Content-Type': 'application/javascript; charset=UTF-8' },
        body: wrapCallback(callback, answer.body ?? ''),
      };
}
