import { serve } from './control.mjs';
import { platformServer } from './platform.mjs';

/**
 * Event streams and long polls written by hand with nothing but Node: what deliveries without WebSockets are measured by.
 * `/events` is a stream. `/poll?id=7` is answered with what has come for 7 once there is something, but the first one at once.
 *
 * With `express`, Nest's Express stands before it. With `head-first`, polls get their head before there is anything to say, as
 * classic clients want it (signalr-2 §4.6).
 */
const settings = process.argv.slice(2);
const isHeadFirst = settings.includes('head-first');
const json = { 'Content-Type': 'application/json' };
const streams = new Set();
/** @type {Map<string, { texts: string[], response: import('node:http').ServerResponse | undefined }>} */
const pollers = new Map();

const http = platformServer(settings, (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  if (pathname === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
    streams.add(response);
    response.on('close', () => streams.delete(response));
  } else {
    poll(searchParams.get('id') ?? '', response);
  }
});

/** @param {string} id @param {import('node:http').ServerResponse} response */
function poll(id, response) {
  let poller = pollers.get(id);
  if (poller === undefined) {
    poller = { texts: [], response: undefined };
    pollers.set(id, poller);
    respond(response, []);
    return;
  }
  if (isHeadFirst) {
    response.writeHead(200, json);
    response.flushHeaders();
  }
  poller.response = response;
  answer(poller);
}

function answer(poller) {
  if (poller.response !== undefined && poller.texts.length > 0) {
    respond(poller.response, poller.texts);
    poller.response = undefined;
    poller.texts = [];
  }
}

/** @param {import('node:http').ServerResponse} response @param {string[]} texts */
function respond(response, texts) {
  const body = JSON.stringify(texts);
  if (!response.headersSent) {
    response.writeHead(200, { ...json, 'Content-Length': Buffer.byteLength(body) });
  }
  response.end(body);
}

/** @param {string[]} texts */
function broadcast(texts) {
  for (const text of texts) {
    const message = `data: ${JSON.stringify({ event: 'notify', data: text })}\n\n`;
    streams.forEach((response) => response.write(message));
    for (const poller of pollers.values()) {
      poller.texts.push(text);
      answer(poller);
    }
  }
}

http.listen(0, '127.0.0.1', () => serve(http, { broadcast }));
