import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A way to write to sockets. It keeps nothing of its own, so all sockets of a kind share one. */
export interface SocketWriter {
  /** Writes after all that was written before. @returns false if the socket has to keep some of it. */
  write(socket: Duplex, bytes: Buffer): boolean;
  /** Calls back once when a socket that had to keep something has nothing left. */
  whenDrained(socket: Duplex, callback: () => void): void;
}

/** The way to a socket that costs least, for as long as it lives. */
export function writerFor(socket: Duplex): SocketWriter {
  return isPlain(socket) ? belowStream : throughStream;
}

/** True for a socket of TCP just as Node has made it: not an encrypted one, and nothing that a test puts in its place. */
function isPlain(socket: Duplex): boolean {
  const { constructor, _write } = socket;
  return constructor === Socket && _write === Socket.prototype._write;
}

/** What everybody may do. */
const throughStream: SocketWriter = {
  write: (socket, bytes) => socket.write(bytes),
  whenDrained: (socket, callback) => void socket.once('drain', callback),
};

const NOTHING = Buffer.alloc(0);

/** How the write ended that is being made. Writes are not nested, so all share it, and none needs a closure. */
let hasEnded = false;
let failure: Error | null | undefined;
function ended(error?: Error | null): void {
  hasEnded = true;
  failure = error;
}

/**
 * Hands bytes to the system past the stream of the socket, whose bookkeeping costs more of a broadcast than all that this
 * library does for it: the state of a thousand streams fits into no cache. Nearly always the system takes everything at
 * once. If it does not, the rest is in the queue of the socket below its stream, and whatever is written later, by whomever,
 * comes after it there.
 *
 * A stream wants its `_write` to be called by nobody else, and not twice at a time. The one of a plain socket puts up with
 * both: each call is a request of its own, and goes to the end of that queue. What the stream still keeps back above it, in
 * the order in which it was given it, can be nothing but answers to pings, whose place matters to nobody.
 */
const belowStream: SocketWriter = {
  write(socket, bytes) {
    hasEnded = false;
    socket._write(bytes, 'buffer' as BufferEncoding, ended);
    if (hasEnded && failure instanceof Error) {
      socket.destroy(failure);
    }
    return hasEnded;
  },
  // It comes after what the socket keeps. One that has gone meanwhile has nothing to tell.
  whenDrained(socket, callback) {
    socket.write(NOTHING, (error) => {
      if (!socket.destroyed && !(error instanceof Error)) {
        callback();
      }
    });
  },
};
