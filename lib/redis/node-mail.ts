import type { CancelTimer, Clock } from '../common/clock.js';
import { SignalRError, toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type { Acknowledgement, BackplaneNode } from '../messaging/backplane.js';
import type { ConnectionDirectory } from '../messaging/connection-directory.js';
import type { NodeCommand } from '../messaging/node-command.js';
import type { NodeNote } from '../messaging/node-note.js';
import type { LogMark } from './message-log.js';
import type { RedisAccess } from './redis-access.js';
import { UnknownVersionError, WIRE_VERSION } from './wire-format.js';
import type { WireReports } from './wire-reports.js';

/** What is published on the channel of a node; members that a release does not know are passed over. */
type Mail = { readonly v: number } & (
  | ({ readonly t: 'sync' } & LogMark)
  | { readonly t: 'command'; readonly id: number; readonly from: string; readonly command: NodeCommand }
  /** `done` is left out if the command could not be carried out here. */
  | { readonly t: 'ack'; readonly id: number; readonly done?: Acknowledgement }
  /** `n` counts the notes of one node to another, from 1 on. */
  | { readonly t: 'note'; readonly from: string; readonly n: number; readonly note: NodeNote }
  /** Written by `CLAIM`. */
  | { readonly t: 'taken'; readonly connectionId: string }
);

interface Asked {
  readonly resolve: (done: Acknowledgement) => void;
  readonly cancel: CancelTimer;
}

/** How many other nodes are remembered at most, in each direction. */
const MAXIMUM_PEERS = 10_000;

/** Commands and notes from node to node, and what comes of them. */
export class NodeMail {
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly asked = new Map<number, Asked>();
  /** How many notes each node was told, and how many were heard of it. */
  private readonly told = new Map<string, number>();
  private readonly heard = new Map<string, number>();
  private lastId = 0;

  constructor(
    private readonly node: BackplaneNode,
    private readonly redis: RedisAccess,
    private readonly directory: ConnectionDirectory,
    private readonly reports: WireReports,
    private readonly clock: Clock,
    private readonly onMark: (mark: LogMark) => void,
    /** Told of connections that another node is said to have taken. */
    private readonly onTaken: (connectionId: string) => void,
  ) {}

  /** See {@link Backplane.command}. */
  async command(command: NodeCommand, timeout: number): Promise<Acknowledgement> {
    const done = await this.node.execute(command);
    if (done !== false) {
      return done;
    }
    const id = ++this.lastId;
    const acknowledged = new Promise<Acknowledgement>((resolve, reject) => {
      const cancel = this.clock.after(timeout, () => {
        this.asked.delete(id);
        reject(SignalRError.of('SIGNALR_ACK_TIMEOUT', command.connectionId));
      });
      this.asked.set(id, { resolve, cancel });
    });
    try {
      // Without a connection to Redis there is no need to wait for the time-out.
      await Promise.race([this.sendToOwner(id, command), acknowledged]);
      return await acknowledged;
    } finally {
      this.forget(id);
    }
  }

  /** See {@link Backplane.tell}. */
  tell(nodeId: string, note: NodeNote): Promise<boolean> {
    const n = (this.told.get(nodeId) ?? 0) + 1;
    remember(this.told, nodeId, n);
    return this.send(nodeId, { v: WIRE_VERSION, t: 'note', from: this.node.id, n, note });
  }

  /** Something has arrived on the channel of this node. */
  receive(payload: string): void {
    const mail = this.reports.attempt(() => read(payload));
    switch (mail?.t) {
      case 'sync':
        this.onMark(mail);
        break;
      case 'command':
        void this.execute(mail.id, mail.from, mail.command);
        break;
      case 'note':
        this.hear(mail.from, mail.n, mail.note);
        break;
      case 'ack':
        if (mail.done !== undefined) {
          this.asked.get(mail.id)?.resolve(mail.done);
        }
        break;
      case 'taken':
        this.onTaken(mail.connectionId);
        break;
    }
  }

  stop(): void {
    this.asked.forEach(({ cancel }) => cancel());
    this.asked.clear();
  }

  /** What is published while the line is down does not arrive; then a later note shows that some are missing. */
  private hear(from: string, n: number, note: NodeNote): void {
    const before = this.heard.get(from) ?? 0;
    remember(this.heard, from, n);
    if (n !== before + 1) {
      this.node.missed?.(from);
    }
    this.node.hear(note, from);
  }

  private async sendToOwner(id: number, command: NodeCommand): Promise<void> {
    const owner = await this.directory.find(command.connectionId);
    const mail = { v: WIRE_VERSION, t: 'command', id, from: this.node.id, command } as const;
    const isSent =
      owner !== undefined && owner.nodeId !== this.node.id && (await this.send(owner.nodeId, mail));
    // A client that nobody has will not answer; anything else may be for a connection that is about to come.
    if (!isSent && command.type === 'ask') {
      this.asked.get(id)?.resolve({ type: 'gone' });
    }
  }

  private forget(id: number): void {
    this.asked.get(id)?.cancel();
    this.asked.delete(id);
  }

  private async execute(id: number, from: string, command: NodeCommand): Promise<void> {
    try {
      const done = await this.node.execute(command);
      const ack = { v: WIRE_VERSION, t: 'ack', id } as const;
      if (done !== false) {
        await this.send(from, { ...ack, done });
      } else if (command.type === 'ask') {
        await this.send(from, { ...ack, done: { type: 'gone' } });
      }
    } catch (error) {
      this.trace.error(`command ${command.type} of another node failed`, toError(error).stack);
    }
  }

  /** @returns false if there is no such node. */
  private async send(nodeId: string, mail: Mail): Promise<boolean> {
    return (await this.redis.publish(this.redis.keys.nodeChannel(nodeId), JSON.stringify(mail))) > 0;
  }
}

/** A peer that has been silent for longest is forgotten first: nodes come and go, and never come back under their id. */
function remember(counts: Map<string, number>, nodeId: string, count: number): void {
  counts.delete(nodeId);
  counts.set(nodeId, count);
  if (counts.size > MAXIMUM_PEERS) {
    const [oldest] = counts.keys();
    counts.delete(oldest as string);
  }
}

function read(payload: string): Mail {
  const mail = JSON.parse(payload) as Mail;
  if (mail.v > WIRE_VERSION) {
    throw new UnknownVersionError(`${mail.v}`);
  }
  return mail;
}
