import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { writerFor } from '../../lib/transports/socket-writer.js';
import { until } from '../support/until.js';

/** More than the system takes for a peer that does not read. */
const A_LOT = 16 * 1024 * 1024;

/** The two ends of a connection over TCP, both as Node makes them. */
async function connectTwo(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  const close = (): void => {
    near.destroy();
    far.destroy();
    server.close();
  };
  return { near, far, close };
}

/** Resolves when a socket has closed, whatever has gone wrong with it. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('a plain socket', () => {
  let near: Socket;
  let far: Socket;
  let close: () => void;
  const errors: Error[] = [];

  beforeEach(async () => {
    ({ near, far, close } = await connectTwo());
    errors.length = 0;
    near.on('error', (error) => errors.push(error));
    far.on('error', () => {});
  });

  afterEach(() => close());

  /** Everything that comes until there is so much of it. */
  async function read(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let received = 0;
    far.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
    });
    far.resume();
    await until(`${length} bytes`, () => received >= length);
    return Buffer.concat(chunks);
  }

  test('is written to past its stream', async () => {
    const throughStream = vi.spyOn(near, 'write');
    expect(writerFor(near).write(near, Buffer.from('hello'))).toBe(true);
    expect(throughStream).not.toHaveBeenCalled();
    expect((await read(5)).toString()).toBe('hello');
  });

  test('keeps what its peer does not read, and says when that has gone', async () => {
    const writer = writerFor(near);
    const drained = vi.fn<() => void>();
    far.pause();
    expect(writer.write(near, Buffer.alloc(A_LOT, 'a'))).toBe(false);
    writer.whenDrained(near, drained);
    expect(writer.write(near, Buffer.from('end'))).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).not.toHaveBeenCalled();

    const received = await read(A_LOT + 3);
    expect(received.subarray(-4).toString()).toBe('aend');
    await until('word that it has drained', () => drained.mock.calls.length > 0);
    expect(drained).toHaveBeenCalledTimes(1);
    expect(writer.write(near, Buffer.from('more'))).toBe(true);
  });

  test('keeps the order of what is written to it in both ways', async () => {
    const writer = writerFor(near);
    far.pause();
    near.write('1');
    writer.write(near, Buffer.from('2'));
    writer.write(near, Buffer.alloc(A_LOT, 'a'));
    // The stream hands it on at once: it has nothing else under way.
    near.write('3');
    writer.write(near, Buffer.from('4'));
    const received = await read(A_LOT + 4);
    expect(received.subarray(0, 3).toString()).toBe('12a');
    expect(received.subarray(-3).toString()).toBe('a34');
  });

  test('leaves whole what the stream has kept back meanwhile', async () => {
    const writer = writerFor(near);
    far.pause();
    near.write(Buffer.alloc(A_LOT, 'a'));
    near.cork();
    near.write('[pong');
    near.write('-]');
    near.uncork();
    writer.write(near, Buffer.from('(frame)'));
    writer.write(near, Buffer.from('(frame)'));
    const received = (await read(A_LOT + 21)).subarray(A_LOT).toString();
    expect(received.replace('[pong-]', '')).toBe('(frame)(frame)');
    expect(received).toContain('[pong-]');
  });

  test('ends after everything that was written', async () => {
    const writer = writerFor(near);
    far.pause();
    writer.write(near, Buffer.alloc(A_LOT, 'a'));
    writer.write(near, Buffer.from('last'));
    near.end();
    const ended = once(far, 'end');
    const received = await read(A_LOT + 4);
    expect(received.subarray(-4).toString()).toBe('last');
    await ended;
  });

  test('is destroyed if it cannot be written to, and nothing is thrown', async () => {
    const writer = writerFor(near);
    near.end();
    await once(near, 'finish');
    const closed = closeOf(near);
    // Its own side has ended: the system refuses.
    writer.write(near, Buffer.from('too late'));
    await closed;
    expect(errors.map((error) => (error as NodeJS.ErrnoException).code)).toEqual(['EPIPE']);
  });

  test('that has been closed takes nothing, and nothing is thrown', async () => {
    const writer = writerFor(near);
    const closed = closeOf(near);
    near.destroy();
    await closed;
    expect(() => writer.write(near, Buffer.from('too late'))).not.toThrow();
    expect(errors).toEqual([]);
  });

  test('whose peer goes before it has read everything does not call back', async () => {
    const writer = writerFor(near);
    const drained = vi.fn<() => void>();
    far.pause();
    writer.write(near, Buffer.alloc(A_LOT));
    writer.whenDrained(near, drained);
    near.resume();
    const closed = closeOf(near);
    far.resetAndDestroy();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).not.toHaveBeenCalled();
  });
});

describe('through its stream goes what is written to', () => {
  test('an encrypted socket, which takes one write at a time', async () => {
    const { near, close } = await connectTwo();
    const encrypted = new TLSSocket(near, { isServer: true });
    encrypted.on('error', () => {});
    const write = vi.spyOn(encrypted, 'write').mockReturnValue(true);
    writerFor(encrypted).write(encrypted, Buffer.from('hello'));
    expect(write).toHaveBeenCalledTimes(1);
    close();
  });

  test('a socket with a way of writing of its own', async () => {
    const { near, far, close } = await connectTwo();
    const patched: string[] = [];
    near._write = (chunk: Buffer, _encoding, callback) => {
      patched.push(chunk.toString());
      callback();
    };
    writerFor(near).write(near, Buffer.from('hello'));
    expect(patched).toEqual(['hello']);
    expect(far.readableLength).toBe(0);
    close();
  });

  test('any other stream, with its own idea of being full', () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    const writer = writerFor(stream);
    const drained = vi.fn<() => void>();
    expect(writer.write(stream, Buffer.from('abc'))).toBe(true);
    expect(writer.write(stream, Buffer.from('defgh'))).toBe(false);
    writer.whenDrained(stream, drained);
    expect(drained).not.toHaveBeenCalled();
    stream.resume();
    return until('word that it has drained', () => drained.mock.calls.length > 0);
  });

  test('a class that extends sockets', () => {
    class OwnSocket extends Socket {}
    const socket: Duplex = new OwnSocket();
    const write = vi.spyOn(socket, 'write').mockReturnValue(true);
    writerFor(socket).write(socket, Buffer.from('hello'));
    expect(write).toHaveBeenCalledTimes(1);
  });
});
