import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

import type { Channel, ChannelEnd, ChannelOwner } from './channel.js';
import type { Frame } from './frame.js';
import { type SocketWriter, writerFor } from './socket-writer.js';

const NORMAL_CLOSURE = 1000;
const ABNORMAL_CLOSURE = 1006;

/** Set on each `ws` socket, so that one listener function serves all of them and none needs a closure. */
const CHANNEL = Symbol('SignalR channel');
type OwnedWebSocket = WebSocket & { [CHANNEL]: WebSocketChannel };

/** A channel over one WebSocket. */
export class WebSocketChannel implements Channel {
  // First what every frame needs, see Connection.
  writable = true;
  private readonly writer: SocketWriter;
  owner: ChannelOwner | undefined;
  readonly transport = 'webSockets';
  private failure: Error | undefined;

  constructor(
    private readonly webSocket: WebSocket,
    /** The connection under the WebSocket, as the upgrade gave it. */
    private readonly socket: Duplex,
  ) {
    this.writer = writerFor(socket);
    (webSocket as OwnedWebSocket)[CHANNEL] = this;
    webSocket.on('message', onMessage);
    webSocket.on('error', onError);
    webSocket.on('close', onClose);
  }

  /**
   * Frames go straight to the socket: they are built once for all receivers and leave in one write. That is safe
   * because compression is off, so `ws` writes its own frames (pongs, close) synchronously and never holds one back.
   */
  send(frames: readonly Frame[]): void {
    if (this.webSocket.readyState !== this.webSocket.OPEN) {
      return;
    }
    const first = frames[0];
    if (first === undefined) {
      return;
    }
    const taken = this.writer.write(
      this.socket,
      frames.length === 1 ? first.webSocket : Buffer.concat(frames.map((frame) => frame.webSocket)),
    );
    if (!taken && this.writable) {
      this.writable = false;
      this.writer.whenDrained(this.socket, () => {
        this.writable = true;
        this.owner?.onWritable();
      });
    }
  }

  keepAlive(frame: Frame): void {
    this.send([frame]);
  }

  pause(): void {
    this.webSocket.pause();
  }

  resume(): void {
    this.webSocket.resume();
  }

  end(code: number = NORMAL_CLOSURE): void {
    this.webSocket.close(code);
  }

  destroy(): void {
    this.webSocket.terminate();
  }

  /** @internal */
  received(data: Buffer, isBinary: boolean): void {
    this.owner?.onData(data, isBinary);
  }

  /** @internal */
  failed(error: Error): void {
    this.failure ??= error;
  }

  /** @internal */
  closed(code: number): void {
    const end: ChannelEnd =
      this.failure === undefined
        ? { clean: code !== ABNORMAL_CLOSURE }
        : { clean: false, error: this.failure };
    this.owner?.onEnd(end);
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  (this as OwnedWebSocket)[CHANNEL].received(data as Buffer, isBinary);
}

function onError(this: WebSocket, error: Error): void {
  (this as OwnedWebSocket)[CHANNEL].failed(error);
}

function onClose(this: WebSocket, code: number): void {
  (this as OwnedWebSocket)[CHANNEL].closed(code);
}
