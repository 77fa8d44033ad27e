import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Frame } from '../../lib/transports/frame.js';
import { PollChannel } from '../../lib/transports/poll-channel.js';

/** Writes down what is done with it. */
class RecordingResponse extends EventEmitter {
  readonly done: string[] = [];
  headersSent = false;

  writeHead(_status: number, headers: Readonly<Record<string, unknown>>): void {
    this.headersSent = true;
    this.done.push(`head ${JSON.stringify(headers)}`);
  }

  flushHeaders(): void {
    this.done.push('flush');
  }

  write(data: string): void {
    this.done.push(`write ${data}`);
  }

  end(data: string): void {
    this.done.push(`end ${data}`);
  }
}

const format = { headers: {}, frame: (data: string) => data, allowsBlanks: true };

function open(): { response: RecordingResponse; channel: PollChannel } {
  const response = new RecordingResponse();
  return { response, channel: new PollChannel(response as unknown as ServerResponse, format) };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('a poll whose answer comes soon leaves in one write', () => {
  const { response, channel } = open();
  vi.advanceTimersByTime(5);
  channel.send([new Frame('answer')]);
  vi.advanceTimersByTime(1_000);
  expect(response.done).toEqual(['head {"Content-Length":6}', 'end answer']);
});

test('heads of polls that are held leave soon, by one timer', () => {
  const [one, other] = [open(), open()];
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10);
  one.channel.send([new Frame('answer')]);
  expect(one.response.done).toEqual(['head {}', 'flush', 'end answer']);
  expect(other.response.done).toEqual(['head {}', 'flush']);
  expect(vi.getTimerCount()).toBe(0);
});

test('a blank does not go before the head', () => {
  const { response, channel } = open();
  channel.keepAlive();
  vi.advanceTimersByTime(10);
  expect(response.done).toEqual(['head {}', 'flush', 'write  ']);
});

test('a response that fails keeps no other from its head', () => {
  const error = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
  const [broken, other] = [open(), open()];
  broken.response.writeHead = () => {
    throw new Error('broken');
  };
  vi.advanceTimersByTime(10);
  expect(other.response.done).toEqual(['head {}', 'flush']);
  expect(error).toHaveBeenCalledOnce();
  error.mockRestore();
});

test('nothing is written to a poll whose client has gone', () => {
  const { response } = open();
  response.emit('close');
  vi.advanceTimersByTime(10);
  expect(response.done).toEqual([]);
});
