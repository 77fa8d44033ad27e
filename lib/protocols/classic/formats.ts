import type { PollFormat } from '../../transports/poll-channel.js';
import type { StreamFormat } from '../../transports/stream-channel.js';
import { wrapCallback } from './jsonp.js';
import { BadClassicRequest } from './request.js';

/** Streams must reach the client as they are written: nothing in between may compress or keep them. */
const STREAM_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache, no-store, no-transform',
  Pragma: 'no-cache',
  Expires: '-1',
  'X-Accel-Buffering': 'no',
};

const sseEvent = (data: string): string => `data: ${data}\n\n`;

/** Server-sent events (signalr-2 §4.4). */
export const eventStreamFormat: StreamFormat = {
  headers: { ...STREAM_HEADERS, 'Content-Type': 'text/event-stream' },
  prologue: sseEvent('initialized'),
  frame: sseEvent,
  keepAlive: sseEvent,
};

const HIGHEST_FRAME_ID = 0xffff_ffff;

/**
 * A page that grows by script elements, in a hidden frame of Internet Explorer (signalr-2 §4.5).
 *
 * @throws BadClassicRequest if the id of the frame is no unsigned 32-bit number.
 */
export function foreverFrameFormat(frameId: string | undefined): StreamFormat {
  if (frameId === undefined || !/^\d+$/.test(frameId) || Number(frameId) > HIGHEST_FRAME_ID) {
    throw new BadClassicRequest('The supplied frameId is in the incorrect format.');
  }
  return {
    headers: { ...STREAM_HEADERS, 'Content-Type': 'text/html; charset=UTF-8' },
    prologue: foreverFramePrologue(Number(frameId)),
    frame: (data) => `<script>r(c, ${escapeHtml(data)});</script>\r\n`,
    keepAlive: (data) => `<script>r(c, ${data});</script>\n\n`,
  };
}

const jsonFormat: PollFormat = {
  headers: { ...STREAM_HEADERS, 'Content-Type': 'application/json; charset=UTF-8' },
  frame: (data) => data,
  allowsBlanks: true,
};

/** A long poll; with a callback its answer is a script (signalr-2 §4.6, §1.5). */
export function pollFormat(callback: string | undefined): PollFormat {
  return callback === undefined
    ? jsonFormat
    : {
        headers: { ...STREAM_HEADERS, 'Content-Type': 'application/javascript; charset=UTF-8' },
        frame: (data) => wrapCallback(callback, data),
        allowsBlanks: false,
      };
}

/** Messages stand inside a script element: nothing in them may close it. */
function escapeHtml(json: string): string {
  return json.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e');
}

function foreverFramePrologue(frameId: number): string {
  return [
    '<!DOCTYPE html>',
    '<html>',
    '<head>',
    '<title>SignalR Forever Frame Transport Stream</title>',
    '<script>',
    'var $ = window.parent.jQuery,',
    '    ff = $ ? $.signalR.transports.foreverFrame : null,',
    `    c = ff ? ff.getConnection('${frameId}') : null,`,
    '    r = ff ? ff.receive : function () {};',
    'if (ff) { ff.started(c); }',
    '</script>',
    '</head>',
    '<body>',
    '',
  ].join('\r\n');
}
