import { toError } from '../../common/errors.js';
import type { CoreHubOptions } from '../../common/core-options.js';
import type { HubProtocol, MessageReader } from './hub-protocol.js';
import { ProtocolError } from './messages.js';
import { ReadGate, type ReadGateOwner } from './read-gate.js';
import { RecordReader } from './record-reader.js';

/** The connection that messages come in for. */
export interface InboxOwner extends ReadGateOwner {
  /** False while nothing may be read. */
  readonly canRead: boolean;
  /** Handles a message; false if it has to wait, and with it everything behind it. @throws ProtocolError */
  take(message: Buffer): boolean;
  /** Tries again to handle the message that had to wait. */
  retry(): boolean;
  /** The client broke the protocol. */
  failed(error: Error): void;
}

/** What a client sends, cut into messages. A client that sends faster than its messages are handled has to wait. */
export class Inbox {
  private handshake: RecordReader | undefined = new RecordReader();
  private reader: MessageReader = this.handshake as RecordReader;
  /** Messages of a line that was lost before they could be read. */
  private readonly backlog: Buffer[] = [];
  private readonly gate: ReadGate;
  private isReading = false;
  /** True while a message waits. */
  isStalled = false;

  constructor(
    private readonly owner: InboxOwner,
    private readonly options: CoreHubOptions,
  ) {
    this.gate = new ReadGate(owner, options.applicationMaxBufferSize);
  }

  /** What follows the handshake is cut as the client's hub protocol has it. */
  speak(protocol: HubProtocol): void {
    const reader = protocol.createReader();
    this.handshake?.handOver(reader);
    this.handshake = undefined;
    this.reader = reader;
  }

  push(data: Buffer): void {
    this.reader.push(data);
    this.readOn();
  }

  /** True if there are complete messages that have not been handled. */
  get hasUnread(): boolean {
    return this.isStalled || this.backlog.length > 0;
  }

  /** True while the client has to wait. */
  get isFull(): boolean {
    return this.gate.isFull;
  }

  /** Resolves when there is room for more; undefined if there is (signalr-core §1.9). */
  whenRoom(): Promise<void> | undefined {
    return this.gate.whenRoom();
  }

  /** Reads until there is no complete message, or the next one has to wait. */
  readOn(): void {
    // Handling a message may free what the next one waits for: the loop that is running goes on by itself.
    if (this.isReading) {
      return;
    }
    this.isReading = true;
    if (this.reader.bufferedBytes > 0 || this.isStalled || this.backlog.length > 0) {
      this.readMessages();
    }
    this.isReading = false;
    this.gate.regulate(this.reader.bufferedBytes);
  }

  /** The line is lost. What has come complete is still read; the rest of what has not will never come. */
  cutOff(protocol: HubProtocol): void {
    try {
      for (let message = this.reader.next(); message !== undefined; message = this.reader.next()) {
        this.backlog.push(message);
      }
    } catch (error) {
      this.owner.failed(toError(error));
    }
    this.reader = protocol.createReader();
  }

  /** Nothing more is read: nobody has to wait for that any longer. */
  end(): void {
    this.gate.letPostGoOn();
  }

  private readMessages(): void {
    try {
      if (this.isStalled) {
        this.isStalled = !this.owner.retry();
      }
      while (!this.isStalled && this.owner.canRead) {
        const message = this.backlog.shift() ?? this.next();
        if (message === undefined) {
          return;
        }
        this.isStalled = !this.owner.take(message);
      }
    } catch (error) {
      this.owner.failed(toError(error));
    }
  }

  private next(): Buffer | undefined {
    const message = this.reader.next();
    this.checkSize(this.reader.messageBytes);
    return message;
  }

  /** What frames a message counts as well (signalr-core §4.7). */
  private checkSize(bytes: number): void {
    const limit = this.options.maximumReceiveMessageSize;
    if (limit !== null && bytes > limit) {
      throw new ProtocolError(
        `The maximum message size of ${limit}B was exceeded. The message size can be configured in AddHubOptions.`,
      );
    }
  }
}
