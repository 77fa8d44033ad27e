import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

import { describe, expect, test } from 'vitest';

import { Frame } from '../../lib/transports/frame.js';

/** The part of `ws` that reads frames; its types leave it out. */
const { Receiver } = createRequire(import.meta.url)('ws') as {
  Receiver: new (options: { isServer: boolean }) => EventEmitter & { write(data: Buffer): void };
};

/** Reads a frame as a WebSocket client of `ws` would. */
function read(bytes: Buffer): Promise<[data: Buffer, isBinary: boolean]> {
  const receiver = new Receiver({ isServer: false });
  return new Promise((resolve, reject) => {
    receiver.on('message', (data: Buffer, isBinary: boolean) => resolve([data, isBinary]));
    receiver.on('error', reject);
    receiver.write(bytes);
  });
}

describe('WebSocket frames', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('text of %i bytes', async (length) => {
    const text = 'x'.repeat(length);
    const [data, isBinary] = await read(new Frame(text).webSocket);
    expect([data.toString() === text, isBinary]).toEqual([true, false]);
  });

  test('text that is longer in bytes than in characters', async () => {
    const text = 'ü👋'.repeat(40);
    expect((await read(new Frame(text).webSocket))[0].toString()).toBe(text);
  });

  test('bytes', async () => {
    const bytes = new Uint8Array([0, 1, 254, 255]);
    const [data, isBinary] = await read(new Frame(bytes).webSocket);
    expect([data.equals(bytes), isBinary]).toEqual([true, true]);
  });

  test('is built once', () => {
    const frame = new Frame('x');
    expect(frame.webSocket).toBe(frame.webSocket);
  });
});

describe('frames in streams', () => {
  test('are put into the form of a stream once for all receivers', () => {
    const frame = new Frame('grüße');
    let built = 0;
    const format = (data: string): string => {
      built++;
      return `data: ${data}\n\n`;
    };
    const bytes = frame.inStream(format);
    expect(bytes.toString()).toBe('data: grüße\n\n');
    expect(frame.inStream(format)).toBe(bytes);
    expect(built).toBe(1);
  });

  test('have a form for each format', () => {
    const frame = new Frame('1');
    expect(frame.inStream((data) => `a${data}`).toString()).toBe('a1');
    expect(frame.inStream((data) => `b${data}`).toString()).toBe('b1');
  });
});
