import { toError } from '../../common/errors.js';
import { isThenable } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import { BadClassicRequest } from './request.js';

/** The connection that messages come in for. */
export interface InboundOwner {
  readonly id: string;
  /** Hands on a message and gives the answer, if there is one. @throws BadClassicRequest */
  dispatch(data: string): string | undefined | Promise<string | undefined>;
  answer(response: string): void;
  /** Makes the client wait. */
  pauseReading(): void;
  resumeReading(): void;
}

/** What a client sends over its WebSocket. A client whose calls pile up has to wait. */
export class Inbound {
  private static readonly logger = traceSource('SignalR.Connection');
  private running = 0;
  private paused = false;

  constructor(
    private readonly owner: InboundOwner,
    /** How many messages may be under way. */
    private readonly limit: number,
  ) {}

  receive(data: string): void {
    try {
      const answer = this.owner.dispatch(data);
      if (isThenable(answer)) {
        this.running++;
        this.regulate();
        void this.answerLater(answer);
      } else {
        this.answer(answer);
      }
    } catch (error) {
      this.report(error);
    }
  }

  /** A new socket is being read. */
  restart(): void {
    this.paused = false;
    this.regulate();
  }

  private async answerLater(pending: PromiseLike<string | undefined>): Promise<void> {
    let response: string | undefined;
    try {
      response = await pending;
    } catch (error) {
      this.report(error);
    }
    this.running--;
    this.regulate();
    this.answer(response);
  }

  private answer(response: string | undefined): void {
    if (response !== undefined) {
      this.owner.answer(response);
    }
  }

  private regulate(): void {
    const full = this.running >= this.limit;
    if (full !== this.paused) {
      this.paused = full;
      if (full) {
        this.owner.pauseReading();
      } else {
        this.owner.resumeReading();
      }
    }
  }

  /** The client gets no reply to what never reached a hub (signalr-2 §4.3). */
  private report(error: unknown): void {
    const what = `a message of connection ${this.owner.id} has no answer`;
    if (error instanceof BadClassicRequest) {
      Inbound.logger.debug(`${what}: ${error.message}`);
    } else {
      Inbound.logger.error(what, toError(error).stack);
    }
  }
}
