import { EventEmitter } from 'node:events';

import type { RelayedAnswer } from '../../messaging/node-note.js';
import type { PollResponse } from '../../transports/poll-sequence.js';
import { toNoteData } from './note-data.js';

/** Brings the answer to the node that has the client. */
export interface AnswerLine {
  answer(answer: RelayedAnswer, onOver: (taken: boolean, isInterrupted: boolean) => void): void;
  abort(): void;
}

/** The response to a request that another node has taken. It leaves in one piece, when it is complete. */
export class RelayedResponse extends EventEmitter implements PollResponse {
  writableFinished = false;
  destroyed = false;
  isUncertain = false;
  private status = 200;
  private headers: Readonly<Record<string, string>> = {};

  constructor(private readonly line: AnswerLine) {
    super();
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>>): this {
    this.status = status;
    this.headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    return this;
  }

  end(body?: string | Uint8Array): this {
    const { status, headers } = this;
    const answer = { status, headers, ...(body !== undefined && { body: toNoteData(body) }) };
    this.line.answer(answer, (taken, isInterrupted) => {
      this.writableFinished = taken;
      this.lost(isInterrupted);
    });
    return this;
  }

  destroy(): void {
    this.line.abort();
    this.lost();
  }

  /** @internal The other node, or its client, has gone. */
  lost(isUncertain = false): void {
    if (!this.destroyed) {
      this.destroyed = true;
      this.isUncertain = isUncertain;
      this.emit('close');
    }
  }
}
