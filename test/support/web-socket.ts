import WebSocket from 'ws';

import { Inbox } from './inbox.js';

/** How a socket was closed. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A frame as it arrived. */
export interface ReceivedFrame {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** A raw WebSocket whose frames and close can be waited for. */
export class RawWebSocket {
  readonly frames = new Inbox<ReceivedFrame>();
  readonly closed: Promise<Closed>;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => this.frames.put({ data, isBinary }));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static open(url: string, headers: Record<string, string> = {}): Promise<RawWebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { headers, perMessageDeflate: false });
      const raw = new RawWebSocket(socket);
      socket.once('open', () => resolve(raw));
      socket.once('error', reject);
    });
  }

  send(data: string | Buffer): void {
    this.socket.send(data);
  }

  /** The text of the next frame. */
  async nextText(what = 'a frame'): Promise<string> {
    return (await this.frames.next(what)).data.toString();
  }

  /** Breaks the line without a close frame. */
  destroy(): void {
    this.socket.terminate();
  }

  close(code?: number): void {
    this.socket.close(code);
  }
}
