import { request } from 'node:http';
import WebSocket from 'ws';

/** After so many milliseconds without a byte a line counts as lost: twice the server's keep-alive. */
const LOST_AFTER = 4_000;

/** What a client waits, in milliseconds, before it tries again, so that a refusing server is not run down. */
export const RETRY_AFTER = 30;

/**
 * @typedef {() => void} Drop drops a line.
 * @typedef {(alive: () => void, ended: (error?: Error) => void) => Drop} OpenLine opens a line, says when it is alive and
 *   when it has ended.
 */

/**
 * Keeps one line for as long as it lasts.
 *
 * @param {OpenLine} open
 * @returns {{ ended: Promise<void>, abort: Drop }} `ended` rejects when the line breaks or is silent for too long.
 */
export function keepLine(open) {
  let abort;
  const ended = new Promise((resolve, reject) => {
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(new Error('the line is silent')), LOST_AFTER);
    };
    const end = (error) => {
      clearTimeout(timer);
      drop();
      if (error === undefined) {
        resolve();
      } else {
        reject(error);
      }
    };
    const drop = open(alive, end);
    abort = () => end(new Error('stopped'));
    alive();
  });
  return { ended, abort };
}

/**
 * A line that is a WebSocket.
 *
 * @param {string} url
 * @param {{ onOpen?: (socket: WebSocket) => void, onMessage: (text: string) => void }} owner
 * @returns {OpenLine}
 */
export function socketLine(url, { onOpen, onMessage }) {
  return (alive, ended) => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.on('open', () => onOpen?.(socket));
    socket.on('message', (data) => {
      alive();
      onMessage(String(/** @type {Buffer} */ (data)));
    });
    socket.on('close', () => ended(new Error('the socket has closed')));
    socket.on('error', ended);
    return () => socket.terminate();
  };
}

/**
 * A line that is the answer to one request.
 *
 * @param {string} url
 * @param {{ method: string, onText: (text: string) => void, onEnd?: (response: import('node:http').IncomingMessage) => boolean }} owner
 *   `onEnd` says whether the answer was meant to end as it did.
 * @returns {OpenLine}
 */
export function responseLine(url, { method, onText, onEnd = () => false }) {
  return (alive, ended) => {
    const outgoing = request(url, { method, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        alive();
        onText(chunk);
      });
      response.on('error', ended);
      response.on('close', () =>
        ended(onEnd(response) ? undefined : new Error(`a response with ${response.statusCode} broke off`)),
      );
    });
    outgoing.on('error', ended);
    outgoing.end();
    return () => outgoing.destroy();
  };
}

/** The body of an answer that has to be a good one. @param {string} url @param {string} method @returns {Promise<string>} */
export function read(url, method = 'GET') {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** A promise, and what settles it. */
export function deferred() {
  let resolve;
  let reject;
  const promise = new Promise((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
