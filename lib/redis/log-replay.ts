import type { Replay, ReplayScreen } from '../messaging/backplane.js';
import type { Envelope } from '../messaging/envelope.js';
import { Cursor } from './cursor.js';
import type { WantedTopic } from './local-history.js';
import { LoggedEnvelope } from './logged-envelope.js';
import type { LogReader } from './log-reader.js';
import type { LogMark } from './message-log.js';
import type { RedisAccess } from './redis-access.js';

export const UNKNOWN: Replay = { envelopes: [], known: false, complete: false };

/** What a replay needs to know of its node. */
export interface ReplayingNode {
  readonly tag: string;
  /** Count of the last message that the node has published. */
  readonly lastCount: number;
  /** What the node has handed to its connections before Redis has given it a place, oldest first. */
  unplaced(): LoggedEnvelope[];
  /** Where the log stands, once everything up to there has arrived at the node. */
  catchUp(): Promise<LogMark>;
}

/** Finds in the logs what a connection has missed that comes from another node, or from long ago. */
export class LogReplay {
  constructor(
    private readonly node: ReplayingNode,
    private readonly redis: RedisAccess,
    private readonly reader: LogReader,
  ) {}

  async run(wanted: readonly WantedTopic[], after: Cursor): Promise<Replay> {
    const { tag, lastCount } = this.node;
    const unplaced = this.node.unplaced();
    // Before the mark: what is accepted later than that comes with a place of its own after it.
    const pending = await this.pendingOf(after);
    const mark = await this.node.catchUp();
    if (mark.epoch !== after.epoch) {
      return UNKNOWN;
    }
    if (mark.accepted < (after.senders.get(tag) ?? 0)) {
      pending.set(tag, after.senders.get(tag) as number);
    }
    // A place beyond the end is not from here: everything that is kept is new to the client (signalr-2 §5.2).
    const from = after.sequence > mark.sequence ? new Cursor(after.epoch, 0) : after;
    const seen = new Cursor(after.epoch, mark.sequence, pending);
    // What was said in a group before the connection joined is none of its business.
    const ranges = wanted.map(({ topic, since }) => ({
      topic,
      after: Math.max(from.sequence, since?.sequence ?? 0),
    }));
    const excerpt = await this.reader.read(after.epoch, ranges, mark.sequence);
    const logged = excerpt.envelopes.filter(
      (envelope) => !from.covers(envelope) && !(envelope.sender === tag && envelope.count > lastCount),
    );
    const topics = new Map(wanted.map(({ topic, since }) => [topic, since]));
    const own = unplaced.filter(
      (envelope) =>
        envelope.count > mark.accepted &&
        topics.has(envelope.topic) &&
        !from.covers(envelope) &&
        topics.get(envelope.topic)?.covers(envelope) !== true,
    );
    const envelopes = [
      ...logged.map((envelope) =>
        envelope.at(new Cursor(after.epoch, envelope.sequence ?? 0, pending).toString()),
      ),
      ...own.map((envelope) =>
        envelope.at(seen.and(new Cursor(after.epoch, 0, new Map([[tag, envelope.count]]))).toString()),
      ),
    ];
    return {
      envelopes,
      known: true,
      complete: excerpt.incomplete.length === 0,
      position: envelopes.at(-1)?.position ?? seen.toString(),
      screen: new SeenScreen(seen, after, tag, lastCount),
    };
  }

  /** Senders of whom the client has seen messages that Redis has not accepted, and may still accept. */
  private async pendingOf({ senders }: Cursor): Promise<Map<string, number>> {
    const pending = new Map(senders);
    pending.delete(this.node.tag);
    await Promise.all(
      [...pending].map(async ([tag, count]) => {
        const key = this.redis.keys.accepted(tag);
        if (Number((await this.redis.send(['GET', key])) ?? 0) >= count) {
          pending.delete(tag);
        }
      }),
    );
    return pending;
  }
}

/** Keeps from a connection what it has seen on another node, or gets by its replay. */
export class SeenScreen implements ReplayScreen {
  /** Messages of other nodes may arrive much later: when those nodes reach Redis again. */
  readonly isLasting: boolean;

  /**
   * @param seen what the connection has seen after the replay.
   * @param after what it had seen before.
   * @param tag the own node, and count of the last message of it that the replay has taken into account.
   */
  constructor(
    private readonly seen: Cursor,
    private readonly after: Cursor,
    private readonly tag: string,
    private readonly lastCount: number,
  ) {
    this.isLasting = [...seen.senders.keys()].some((sender) => sender !== tag);
  }

  admit(envelope: Envelope): Envelope | undefined {
    if (!(envelope instanceof LoggedEnvelope)) {
      return envelope;
    }
    if (envelope.sender === this.tag ? envelope.count <= this.lastCount : this.isSeen(envelope)) {
      return undefined;
    }
    return this.place(envelope);
  }

  /** The message with a position that tells also of what this connection has seen besides. */
  place(envelope: LoggedEnvelope): LoggedEnvelope {
    const position = Cursor.parse(envelope.position, this.seen.epoch)?.and(this.seen).toString();
    return position === undefined || position === envelope.position ? envelope : envelope.at(position);
  }

  private isSeen(envelope: LoggedEnvelope): boolean {
    return this.seen.covers(envelope) || envelope.count <= (this.after.senders.get(envelope.sender) ?? 0);
  }
}
