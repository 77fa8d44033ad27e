import type { CancelTimer, Clock } from '../common/clock.js';
import { SignalRError, toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { Message } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';
import { encodeHead } from './wire-format.js';

/** How many messages are on their way to Redis at the same time. */
const WINDOW = 1_000;

/** How long, in milliseconds, to wait with the next attempt after Redis has refused a message. */
const RETRY_PAUSE = 250;

/** What waits for Redis, and what becomes of more. */
export interface QueueOptions {
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  readonly whenDown: 'queue' | 'fail';
}

/** A message that Redis has not accepted yet. */
export interface QueuedMessage {
  readonly topic: Topic;
  readonly message: Message;
  /** Place among the messages of this node, from 1 on. */
  readonly count: number;
  /** Its place among all that the node has come to know of; see {@link LocalHistory}. */
  readonly order: number;
  /** What is written, in two parts; see `wire-format.ts`. */
  readonly head: string;
  readonly text: string;
  /** Bytes of the text. */
  readonly size: number;
  /** Wakes who waits for the message to be accepted. */
  settle?: () => void;
}

/** What Redis says to a message. */
export interface Receipt {
  /** Everything of this node up to here has been accepted. */
  readonly accepted: number;
  /** False if the message was refused, because others before it have not arrived. */
  readonly taken: boolean;
}

/** How a mode gets messages to Redis. */
export interface Transmission {
  /** True if a message may be sent a second time when it is not known what became of it. */
  readonly isRepeatable: boolean;
  /** True while there is a connection. */
  readonly isOpen: boolean;
  /** @param accepted the last message that is known to be accepted. */
  transmit(message: QueuedMessage, accepted: number): Promise<Receipt>;
}

/**
 * Gets the messages of this node to Redis, all of them and in order: many are on their way at the same time, and when
 * something goes wrong everything from the first that has not been accepted is sent again. Whoever publishes waits only
 * as long as Redis can be reached.
 */
export class Publisher {
  private readonly trace = traceSource('SignalR.MessageBus');
  /** From the first that has not been accepted; the counts have no hole. */
  private readonly queue: QueuedMessage[] = [];
  private bytes = 0;
  /** Count of the last message that was taken in, sent, accepted. */
  private last = 0;
  private sent = 0;
  private accepted = 0;
  private inFlight = 0;
  /** Nothing is sent while this holds: the line is down, or what is on its way has to come back first. */
  private isHalted = true;
  private mustRestart = false;
  private isDown = true;
  private cancelRetry: CancelTimer | undefined;
  private idleWaiters: (() => void)[] = [];

  constructor(
    private readonly tag: string,
    private readonly options: QueueOptions,
    private readonly transmission: Transmission,
    private readonly clock: Clock,
  ) {}

  /** Count of the last message that was taken in. */
  get lastCount(): number {
    return this.last;
  }

  /** Count of the last message that Redis is known to have accepted. */
  get acceptedCount(): number {
    return this.accepted;
  }

  /** How many messages wait. */
  get size(): number {
    return this.queue.length;
  }

  /** True if one more message would be refused. */
  get isRefusing(): boolean {
    const { maxQueuedMessages, maxQueuedBytes, whenDown } = this.options;
    return (
      (this.isDown && whenDown === 'fail') ||
      this.queue.length >= maxQueuedMessages ||
      this.bytes >= maxQueuedBytes
    );
  }

  /** True while messages only queue up. */
  get isStuck(): boolean {
    return this.isDown;
  }

  /**
   * Takes in a message; {@link submit} sends it. In between it is handed to the connections of this node, which must not
   * get what is refused.
   *
   * @throws SignalRError SIGNALR_BACKPLANE_DOWN, SIGNALR_BACKPLANE_QUEUE_FULL
   */
  accept(topic: Topic, message: Message, order = 0): QueuedMessage {
    const count = this.last + 1;
    if (this.isDown && this.options.whenDown === 'fail') {
      throw SignalRError.of('SIGNALR_BACKPLANE_DOWN', 'redis');
    }
    if (this.isRefusing) {
      throw SignalRError.of('SIGNALR_BACKPLANE_QUEUE_FULL', 'redis', `${this.queue.length}`);
    }
    const head = encodeHead({ tag: this.tag, count });
    const text = JSON.stringify(message);
    this.last = count;
    const queued: QueuedMessage = { topic, message, count, order, head, text, size: Buffer.byteLength(text) };
    this.bytes += queued.size;
    this.queue.push(queued);
    return queued;
  }

  /** Sends a message. A promise, if Redis can be reached: it resolves when Redis has accepted the message. */
  submit(queued: QueuedMessage): void | Promise<void> {
    this.pump();
    if (this.isDown) {
      return undefined;
    }
    return new Promise((resolve) => {
      queued.settle = resolve;
    });
  }

  /** The messages of a topic that have not been accepted, oldest first. */
  waitingFor(topic: Topic): readonly QueuedMessage[] {
    return this.queue.filter((queued) => queued.topic === topic);
  }

  /** There is a line to Redis (again). */
  lineUp(): void {
    if (this.transmission.isOpen) {
      this.isDown = false;
      this.restart();
    }
  }

  /** There is none; nobody has to wait until there is. */
  lineDown(): void {
    this.isDown = true;
    this.isHalted = true;
    this.release();
  }

  /** Resolves when everything has been accepted, or nothing can be. */
  whenIdle(): Promise<void> {
    return this.queue.length === 0 || this.isDown
      ? Promise.resolve()
      : new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  stop(): void {
    this.isDown = true;
    this.isHalted = true;
    this.cancelRetry?.();
    this.release();
  }

  private pump(): void {
    while (!this.isHalted && this.inFlight < WINDOW) {
      const queued = this.queue[this.sent - this.accepted];
      if (queued === undefined) {
        return;
      }
      this.sent = queued.count;
      this.inFlight++;
      this.transmission.transmit(queued, this.accepted).then(
        ({ accepted, taken }) => this.answered(accepted, taken),
        (error: unknown) => this.failed(toError(error)),
      );
    }
  }

  private answered(accepted: number, taken: boolean): void {
    this.inFlight--;
    this.settleUpTo(accepted);
    if (!taken) {
      this.isHalted = true;
      this.mustRestart = true;
    }
    this.goOn();
  }

  private failed(error: Error): void {
    this.inFlight--;
    if (!this.isDown) {
      this.trace.warn(`publishing to Redis failed, and is tried again: ${error.message}`);
      this.cancelRetry = this.clock.after(RETRY_PAUSE, () => this.lineUp());
      this.lineDown();
    }
    this.goOn();
  }

  private goOn(): void {
    if (this.inFlight === 0 && this.mustRestart) {
      this.restart();
    } else {
      this.pump();
    }
  }

  /** Sends everything that has not been accepted, once nothing is on its way any more. */
  private restart(): void {
    this.mustRestart = this.inFlight > 0;
    if (this.mustRestart || this.isDown) {
      return;
    }
    this.cancelRetry?.();
    if (!this.transmission.isRepeatable && this.sent > this.accepted) {
      this.trace.warn(`${this.sent - this.accepted} message(s) may not have reached other nodes`);
      this.settleUpTo(this.sent);
    }
    this.sent = this.accepted;
    this.isHalted = false;
    this.pump();
  }

  private settleUpTo(count: number): void {
    while (this.accepted < count) {
      const queued = this.queue.shift();
      if (queued === undefined) {
        break;
      }
      this.accepted = queued.count;
      this.bytes -= queued.size;
      queued.settle?.();
    }
    this.sent = Math.max(this.sent, this.accepted);
    if (this.queue.length === 0) {
      this.idleWaiters.splice(0).forEach((wake) => wake());
    }
  }

  /** Nobody has to wait any more: what is queued will be sent, sooner or later. */
  private release(): void {
    for (const queued of this.queue) {
      queued.settle?.();
      delete queued.settle;
    }
    this.idleWaiters.splice(0).forEach((wake) => wake());
  }
}
