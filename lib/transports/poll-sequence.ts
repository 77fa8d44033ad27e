import type { Clock } from '../common/clock.js';
import type { Channel, ChannelEnd, ChannelOwner } from './channel.js';
import type { Frame } from './frame.js';
import { endWith } from './http.js';

/** How a protocol answers polls. */
export interface PollSequenceFormat {
  /** Headers of an answer that carries what was waiting, and of the first one, which carries nothing. */
  readonly content: Readonly<Record<string, string>>;
  /** Headers of an answer that says no more than its status. */
  readonly empty: Readonly<Record<string, string>>;
}

/** How long things may take, in milliseconds. */
export interface PollSequenceLimits {
  /** A poll that is held without anything to say. */
  readonly pollTimeout: number;
  /** The time from one poll to the next. */
  readonly disconnectTimeout: number;
  /** A peer that does not read its answer. */
  readonly sendTimeout: number;
}

/** What a poll is answered by: a response of this process, or of another one that has the client. */
export interface PollResponse {
  /** True once all of the answer has been handed on. */
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
  /** True if it is not known whether the client has had the answer. */
  readonly isUncertain?: boolean;
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): this;
  end(body?: string | Uint8Array): unknown;
  destroy(): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
}

interface Poll {
  readonly response: PollResponse;
  readonly since: number;
  /** What it is being answered with. */
  readonly frames?: readonly Frame[];
}

const OK = 200;
const NO_CONTENT = 204;

/**
 * One channel over all polls of a client: it can be written to while a poll is held, and lives on between two polls
 * (signalr-core §2.4). It keeps at most one answer that is being written and one poll behind it.
 */
export class PollSequence implements Channel {
  readonly transport = 'longPolling';
  owner: ChannelOwner | undefined;
  private held: Poll | undefined;
  private answering: Poll | undefined;
  /** What is left for the last polls after the owner has gone. */
  private readonly left: Frame[] = [];
  private idleSince: number;
  private isEnding = false;
  private isLast = false;
  private isOver = false;

  /** @param onOver called once, when no poll will be answered any more. */
  constructor(
    private readonly format: PollSequenceFormat,
    private readonly limits: PollSequenceLimits,
    private readonly clock: Clock,
    private readonly onOver: () => void,
  ) {
    this.idleSince = clock.now();
  }

  get writable(): boolean {
    return this.held !== undefined && this.answering === undefined;
  }

  /** Answers the first poll at once: clients take it as the beginning. */
  begin(response: PollResponse): void {
    this.listen(response);
    this.held = { response, since: this.clock.now() };
    this.answer(OK, this.format.content);
  }

  /** Takes the next poll; one that is still held learns that it has been replaced. */
  take(response: PollResponse): void {
    this.listen(response);
    this.replace(NO_CONTENT);
    this.held = { response, since: this.clock.now() };
    this.serve();
  }

  /** Answers the poll that is held, or keeps the frames for the next one. */
  send(frames: readonly Frame[]): void {
    this.left.push(...frames);
    if (this.writable) {
      this.answerWithFrames();
    }
  }

  /** Polls end by themselves, which is sign of life enough. */
  keepAlive(): void {}

  pause(): void {}

  resume(): void {}

  end(): void {
    this.isEnding = true;
    this.serve();
  }

  destroy(): void {
    this.dropAnswer();
    this.held?.response.destroy();
    this.finish();
  }

  /** The client has said that it will not poll again. */
  expectNoMore(): void {
    this.isLast = true;
    this.serve();
  }

  onHeartbeat(now: number): void {
    if (this.answering !== undefined) {
      if (now - this.answering.since >= this.limits.sendTimeout) {
        this.lose();
      }
    } else if (this.held !== undefined) {
      if (now - this.held.since >= this.limits.pollTimeout) {
        this.answer(OK, this.format.empty);
      }
    } else if (now - this.idleSince >= this.limits.disconnectTimeout) {
      this.lose({ clean: false, timedOut: true });
    }
  }

  private listen(response: PollResponse): void {
    response.on('error', () => response.destroy());
    response.on('close', () => this.closed(response));
  }

  private serve(): void {
    if (this.writable) {
      this.serveHeld();
    } else if (this.isEnding && this.isLast && this.held === undefined && this.answering === undefined) {
      this.finish();
    }
  }

  private serveHeld(): void {
    if (this.left.length > 0) {
      this.answerWithFrames();
    } else if (this.isEnding) {
      this.replace(NO_CONTENT);
      this.finish();
    } else {
      this.owner?.onWritable();
    }
  }

  private answerWithFrames(): void {
    const frames = this.left.splice(0);
    this.answer(OK, this.format.content, joined(frames), frames);
  }

  private answer(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array = '',
    frames: readonly Frame[] = [],
  ): void {
    const { response } = this.held as Poll;
    this.held = undefined;
    this.answering = { response, since: this.clock.now(), frames };
    response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
    endWith(response, body);
  }

  /** Ends the poll that is held, if there is one, without anything to follow. */
  private replace(status: number): void {
    const poll = this.held;
    this.held = undefined;
    poll?.response.writeHead(status, this.format.empty).end();
  }

  /** A response has been taken, or the client has dropped its poll. */
  private closed(response: PollResponse): void {
    if (this.answering?.response === response) {
      const { frames = [] } = this.answering;
      if (response.isUncertain === true && frames.length > 0 && !this.isOver) {
        // To send it again might be once too often, not to send it once too few: the client has to begin anew.
        this.answering = undefined;
        this.lose();
        return;
      }
      if (!response.writableFinished && !this.isOver) {
        // The client has not had all of it, so it takes nothing of it: the next poll gets it.
        this.left.unshift(...frames);
      }
      this.answering = undefined;
    } else if (this.held?.response === response) {
      this.held = undefined;
    } else {
      return;
    }
    this.idleSince = this.clock.now();
    if (!this.isOver) {
      this.serve();
    }
  }

  /** The client does not come back, or does not read. */
  private lose(end?: ChannelEnd): void {
    this.dropAnswer();
    this.replace(NO_CONTENT);
    this.finish(end);
  }

  /** Nobody will come for what was in it. */
  private dropAnswer(): void {
    const { answering } = this;
    this.answering = undefined;
    answering?.response.destroy();
  }

  private finish(end: ChannelEnd = { clean: false }): void {
    if (!this.isOver) {
      this.isOver = true;
      this.left.length = 0;
      this.owner?.onEnd(end);
      this.onOver();
    }
  }
}

/** Text stays text: Node writes it together with the head at once. */
function joined(frames: readonly Frame[]): string | Uint8Array {
  const parts = frames.map(({ data }) => data);
  return parts.every((part) => typeof part === 'string')
    ? parts.join('')
    : Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}
