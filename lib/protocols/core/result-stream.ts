import { type CancelStream, consume, discard, type Stream, type StreamSink } from '../../common/streams.js';
import type { CoreMessage } from './core-message.js';

/** The client that a stream is for. */
export interface StreamReceiver {
  send(message: CoreMessage): void;
  /** Resolves when the client takes more; undefined if it does now. */
  whenWritable(): Promise<void> | undefined;
}

/** Makes the messages of one stream. */
export interface StreamMessages {
  /** @throws SignalRError SIGNALR_UNSERIALIZABLE */
  item(value: unknown): CoreMessage;
  end(): CoreMessage;
  /** The stream broke. */
  broken(error: unknown): CoreMessage;
}

/** The stream that a method gives to the client which asked for one (signalr-core §6.4). */
export class ResultStream implements StreamSink {
  private stopSource: CancelStream | undefined;
  private isOver = false;

  constructor(
    private readonly receiver: StreamReceiver,
    private readonly messages: StreamMessages,
    /** Called once, before the client is told of the end. */
    private readonly onOver: () => void,
  ) {}

  /** The method has returned. */
  begin(stream: Stream): void {
    if (this.isOver) {
      discard(stream);
      return;
    }
    const stopSource = consume(stream, this);
    // A source that gives everything at once has ended by now.
    if (this.isOver) {
      void stopSource();
    } else {
      this.stopSource = stopSource;
    }
  }

  /** There will be no stream. */
  refuse(failure: CoreMessage): void {
    this.finish(failure);
  }

  next(item: unknown): Promise<void> | undefined {
    if (this.isOver) {
      return undefined;
    }
    let message: CoreMessage;
    try {
      message = this.messages.item(item);
    } catch (error) {
      this.stop(this.messages.broken(error));
      return undefined;
    }
    this.receiver.send(message);
    return this.receiver.whenWritable();
  }

  error(error: unknown): void {
    this.finish(this.messages.broken(error));
  }

  complete(): void {
    this.finish(this.messages.end());
  }

  /** The client does not listen any more: it gets its end at once, whatever the source does (signalr-core §6.4). */
  cancel(): void {
    this.stop(this.messages.end());
  }

  private stop(last: CoreMessage): void {
    const { stopSource } = this;
    this.finish(last);
    void stopSource?.();
  }

  private finish(last: CoreMessage): void {
    if (!this.isOver) {
      this.isOver = true;
      this.stopSource = undefined;
      this.onOver();
      this.receiver.send(last);
    }
  }
}
