import type { Acknowledgement, BackplaneNode } from '../../messaging/backplane.js';
import type { ClientCall, Envelope } from '../../messaging/envelope.js';
import type { NodeCommand } from '../../messaging/node-command.js';
import type { NodeNote } from '../../messaging/node-note.js';
import { Inbox } from '../inbox.js';

/** A node that writes down what it is given. */
export class RecordingNode implements BackplaneNode {
  readonly received: Inbox<Envelope>;
  readonly heard: Inbox<{ note: NodeNote; from: string }>;
  readonly commands: NodeCommand[] = [];
  /** Connections that it owns. */
  readonly owned = new Set<string>();
  /** What it says to commands for these. */
  acknowledgement: Acknowledgement = true;

  /** @param deadline how long, in milliseconds, its inboxes are waited for. Default: theirs. */
  constructor(
    readonly id: string,
    deadline?: number,
  ) {
    this.received = new Inbox(deadline);
    this.heard = new Inbox(deadline);
  }

  deliver(envelope: Envelope): void {
    this.received.put(envelope);
  }

  hear(note: NodeNote, from: string): void {
    this.heard.put({ note, from });
  }

  execute(command: NodeCommand): Acknowledgement | false {
    if (!this.owned.has(command.connectionId)) {
      return false;
    }
    this.commands.push(command);
    return this.acknowledgement;
  }

  /** The texts of the next messages. */
  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) {
      const what = `message ${texts.length + 1} of ${count} for node ${this.id}`;
      texts.push(textOf(await this.received.next(what)));
    }
    return texts;
  }
}

/** A call of a client method with one text as its argument. */
export function call(text: string): ClientCall {
  return { type: 'call', hub: 'ChatHub', method: 'hear', argumentsJson: JSON.stringify([text]) };
}

/** The text of {@link call}. */
export const textOf = ({ message }: Envelope): string =>
  (JSON.parse((message as ClientCall).argumentsJson) as [string])[0];
