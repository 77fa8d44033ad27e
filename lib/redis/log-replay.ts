import type { Replay, ReplayTopic } from '../messaging/backplane.js';
import { Cursor } from './cursor.js';
import type { LocalHistory, WantedTopic } from './local-history.js';
import type { LogPosition } from './log-position.js';
import type { LogReader } from './log-reader.js';
import type { LoggedEnvelope } from './logged-envelope.js';
import type { LogMark } from './message-log.js';
import type { RedisAccess } from './redis-access.js';
import { SeenScreen } from './seen-screen.js';

const UNKNOWN: Replay = { envelopes: [], known: false, complete: false };

/** What a replay needs to know of its node. */
export interface ReplayingNode {
  readonly position: LogPosition;
  readonly history: LocalHistory;
  /** Count of the last message that the node has published. */
  readonly lastCount: number;
  /** What the node has said to topics that it is subscribed to, and Redis has not given a place, oldest first. */
  unplaced(): LoggedEnvelope[];
  /** Where the log stands, once everything up to there has arrived at the node. */
  catchUp(): Promise<LogMark>;
}

/** Finds what a connection has missed: in memory, or in the logs if it comes from another node, or from long ago. */
export class LogReplay {
  constructor(
    private readonly node: ReplayingNode,
    private readonly redis: RedisAccess,
    private readonly reader: LogReader,
  ) {}

  /** See {@link Backplane.replay}. */
  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay> {
    const { epoch } = this.node.position;
    const cursor = Cursor.parse(after, epoch);
    if (cursor === undefined) {
      return UNKNOWN;
    }
    const wanted = topics.map(({ topic, since }) => ({
      topic,
      since: since === undefined ? undefined : Cursor.parse(since, epoch),
    }));
    return this.fromMemory(wanted, cursor) ?? this.fromLogs(wanted, cursor);
  }

  private fromMemory(wanted: readonly WantedTopic[], cursor: Cursor): Replay | undefined {
    const { position, history, lastCount } = this.node;
    const { tag, sequence } = position;
    const isOfThisNode = [...cursor.senders.keys()].every((sender) => sender === tag);
    if (cursor.sequence > sequence || (!isOfThisNode && this.redis.isOpen)) {
      return undefined;
    }
    const envelopes = history.after(cursor, wanted);
    if (envelopes === undefined) {
      return undefined;
    }
    const seen = cursor.and(position.cursor);
    return {
      envelopes: placedAfter(cursor, envelopes),
      known: true,
      complete: true,
      position: seen.toString(),
      screen: new SeenScreen(seen, cursor, tag, lastCount),
    };
  }

  private async fromLogs(wanted: readonly WantedTopic[], after: Cursor): Promise<Replay> {
    const { lastCount } = this.node;
    const { tag } = this.node.position;
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
    const topics = new Map(wanted.map(({ topic, since }) => [topic, since]));
    const isMissing = (envelope: LoggedEnvelope): boolean =>
      !from.covers(envelope) && topics.get(envelope.topic)?.covers(envelope) !== true;
    const ranges = wanted.map(({ topic, since }) => ({
      topic,
      after: Math.max(from.sequence, since?.sequence ?? 0),
    }));
    const excerpt = await this.reader.read(after.epoch, ranges, mark.sequence);
    // What the node has sent meanwhile is here as well: who has got this is told a place behind it.
    const logged = excerpt.envelopes.filter(isMissing);
    const own = unplaced.filter(
      (envelope) => envelope.count > mark.accepted && topics.has(envelope.topic) && isMissing(envelope),
    );
    const envelopes = [
      ...logged.map((envelope, index) => {
        // Behind it there may be more that the client has had already; after the last one there is nothing else.
        const reached =
          index === logged.length - 1 ? seen : new Cursor(after.epoch, envelope.sequence ?? 0, from.senders);
        return envelope.at(reached.toString());
      }),
      ...own.map((envelope) => envelope.at(seen.and(told(after.epoch, envelope)).toString())),
    ];
    return {
      envelopes,
      known: true,
      complete: excerpt.incomplete.length === 0,
      position: envelopes.at(-1)?.position ?? seen.toString(),
      screen: new SeenScreen(seen, after, tag, Math.max(lastCount, mark.accepted)),
    };
  }

  /** Senders of whom the client has seen messages that Redis has not accepted, and may still accept. */
  private async pendingOf({ senders }: Cursor): Promise<Map<string, number>> {
    const pending = new Map(senders);
    pending.delete(this.node.position.tag);
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

/**
 * The same messages for somebody who may have seen something else before than those who got them live: what other nodes had
 * said while this one could not hear them.
 */
function placedAfter(cursor: Cursor, envelopes: readonly LoggedEnvelope[]): LoggedEnvelope[] {
  let seen = cursor;
  return envelopes.map((envelope) => {
    seen = seen.and(Cursor.parse(envelope.position, cursor.epoch) ?? told(cursor.epoch, envelope));
    return envelope.at(seen.toString());
  });
}

/** What has been seen of a sender with this message, which has no place yet. */
function told(epoch: string, { sender, count }: LoggedEnvelope): Cursor {
  return new Cursor(epoch, 0, new Map([[sender, count]]));
}
