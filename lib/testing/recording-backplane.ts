import type { Acknowledgement, Backplane, BackplaneHealth, Replay } from '../messaging/backplane.js';
import type { ConnectionDirectory, ConnectionEntry } from '../messaging/connection-directory.js';
import type { Message } from '../messaging/envelope.js';
import { MemoryDirectory } from '../messaging/memory-directory.js';
import type { NodeCommand } from '../messaging/node-command.js';
import type { Topic } from '../messaging/topics.js';

/** Whom a call was for. */
export interface SentTo {
  readonly kind: 'all' | 'group' | 'user' | 'connection';
  /** Name of the group, id of the user or connection; undefined for all. */
  readonly name: string | undefined;
}

/** A call of a client method that was sent. */
export interface SentCall {
  readonly to: SentTo;
  readonly method: string;
  readonly args: readonly unknown[];
  /** Connections that do not get it. */
  readonly excluded: readonly string[];
}

/** Delivers nothing and writes everything down. */
export class RecordingBackplane implements Backplane {
  readonly name = 'recording';
  readonly directory: ConnectionDirectory = new MemoryDirectory();
  readonly sent: SentCall[] = [];
  readonly groupChanges: string[] = [];
  private readonly answers = new Map<string, unknown>();

  /** @param hub canonical name of the hub whose calls are recorded. */
  constructor(private readonly hub: string) {}

  answer(connectionId: string, method: string, result: unknown): void {
    const entry: ConnectionEntry = {
      connectionId,
      nodeId: this.name,
      protocol: 'core',
      hubs: [this.hub],
      userId: undefined,
    };
    this.answers.set(`${connectionId} ${method}`, result);
    void this.directory.add(entry);
  }

  start(): void {}

  stop(): void {}

  publish(topic: Topic, message: Message): void {
    if (message.type === 'call') {
      const { method, argumentsJson, excluded = [] } = message;
      const args = JSON.parse(argumentsJson) as unknown[];
      this.sent.push({ to: addressee(topic), method, args, excluded });
    }
  }

  subscribe(): void {}

  unsubscribe(): void {}

  tail(): string {
    return '';
  }

  replay(): Replay {
    return { envelopes: [], known: false, complete: false };
  }

  command(command: NodeCommand): Promise<Acknowledgement> {
    switch (command.type) {
      case 'ask': {
        const { connectionId, call } = command;
        const key = `${connectionId} ${call.method}`;
        this.publish(`c-${connectionId}`, call);
        return Promise.resolve(
          this.answers.has(key) ? { type: 'result', result: this.answers.get(key) } : { type: 'silent' },
        );
      }
      case 'addToGroup':
      case 'removeFromGroup': {
        const change = command.type === 'addToGroup' ? 'add' : 'remove';
        this.groupChanges.push(`${change} ${command.connectionId} ${addressee(command.topic).name ?? ''}`);
        return Promise.resolve(true);
      }
      case 'leftBehind':
      case 'disconnect':
        return Promise.resolve(true);
    }
  }

  /** There are no other nodes. */
  tell(): boolean {
    return false;
  }

  health(): BackplaneHealth {
    return { status: 'up' };
  }
}

const KINDS: Readonly<Record<string, SentTo['kind']>> = {
  h: 'all',
  g: 'group',
  u: 'user',
  c: 'connection',
};

function addressee(topic: Topic): SentTo {
  const kind = KINDS[topic.charAt(0)] ?? 'all';
  const rest = topic.slice(2);
  switch (kind) {
    case 'all':
      return { kind, name: undefined };
    case 'connection':
      return { kind, name: rest };
    default:
      return { kind, name: rest.slice(rest.indexOf('.') + 1) };
  }
}
