import type { ServerResponse } from 'node:http';

import type { ChannelOwner, LastingChannel, TransportName } from './channel.js';
import type { FormatText, Frame } from './frame.js';

/** How a protocol writes frames into a response that does not end. */
export interface StreamFormat {
  readonly headers: Readonly<Record<string, string>>;
  /** What the response begins with. */
  readonly prologue: string;
  /** One frame, ready to be written. */
  readonly frame: FormatText;
  /** One keep-alive, ready to be written; the same as a frame unless a protocol says otherwise. */
  readonly keepAlive: FormatText;
}

/** A channel over a response that goes on for as long as the client listens: server-sent events, forever frame. */
export class StreamChannel implements LastingChannel {
  owner: ChannelOwner | undefined;
  writable = true;
  readonly whenClosed: Promise<void>;
  private isOver = false;

  constructor(
    readonly transport: TransportName,
    private readonly response: ServerResponse,
    private readonly format: StreamFormat,
  ) {
    response.writeHead(200, format.headers);
    response.write(format.prologue);
    response.on('drain', () => this.drained());
    response.on('error', () => response.destroy());
    this.whenClosed = new Promise((resolve) => {
      response.on('close', () => {
        this.over();
        resolve();
      });
    });
  }

  send(frames: readonly Frame[]): void {
    const [first] = frames;
    if (first !== undefined) {
      const format = this.format.frame;
      this.write(
        frames.length === 1
          ? first.inStream(format)
          : Buffer.concat(frames.map((frame) => frame.inStream(format))),
      );
    }
  }

  keepAlive({ data }: Frame): void {
    this.write(this.format.keepAlive(data as string));
  }

  /** Clients send by other requests, which nothing can hold back. */
  pause(): void {}

  resume(): void {}

  end(): void {
    this.response.end();
  }

  destroy(): void {
    this.response.destroy();
  }

  private write(text: string | Buffer): void {
    if (!this.isOver && !this.response.writableEnded) {
      this.writable = this.response.write(text);
    }
  }

  private drained(): void {
    this.writable = true;
    this.owner?.onWritable();
  }

  /** A client that leaves and a server that ends look the same: what counts is told by other requests. */
  private over(): void {
    if (!this.isOver) {
      this.isOver = true;
      this.owner?.onEnd({ clean: false });
    }
  }
}
