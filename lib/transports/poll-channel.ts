import type { ServerResponse } from 'node:http';

import type { Flushable } from '../common/flush-queue.js';
import type { Channel, ChannelOwner } from './channel.js';
import type { Frame } from './frame.js';
import { endWith } from './http.js';
import { sendHeadSoon } from './poll-heads.js';

/** How a protocol answers a poll. */
export interface PollFormat {
  readonly headers: Readonly<Record<string, string>>;
  readonly frame: (data: string) => string;
  /** True if blanks may be written while the poll is held; they would break a script. */
  readonly allowsBlanks: boolean;
}

/** A channel for the length of one poll: it ends with the first frame. */
export class PollChannel implements Channel, Flushable {
  readonly transport = 'longPolling';
  owner: ChannelOwner | undefined;
  writable = true;

  /** The head waits only a moment for the answer, so that the client knows that it is being served (signalr-2 §4.6). */
  constructor(
    private readonly response: ServerResponse,
    private readonly format: PollFormat,
  ) {
    sendHeadSoon(this);
    response.on('error', () => response.destroy());
    response.on('close', () => this.over());
  }

  /** Answers the poll. A protocol puts everything it has into one frame. */
  send(frames: readonly Frame[]): void {
    if (this.writable) {
      this.answer(frames.map(({ data }) => this.format.frame(data as string)).join(''));
    }
  }

  /** A blank keeps proxies from giving up, and is nothing to a JSON parser. */
  keepAlive(): void {
    if (this.writable && this.format.allowsBlanks) {
      this.flush();
      this.response.write(' ');
    }
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    if (this.writable) {
      this.answer('');
    }
  }

  destroy(): void {
    this.response.destroy();
  }

  /** Sends the head, unless it has left. */
  flush(): void {
    if (this.writable && !this.response.headersSent) {
      this.response.writeHead(200, this.format.headers);
      this.response.flushHeaders();
    }
  }

  private answer(body: string): void {
    const { response, format } = this;
    if (!response.headersSent) {
      response.writeHead(200, { 'Content-Length': Buffer.byteLength(body), ...format.headers });
    }
    endWith(response, body);
    this.over();
  }

  private over(): void {
    if (this.writable) {
      this.writable = false;
      this.owner?.onEnd({ clean: true });
    }
  }
}
