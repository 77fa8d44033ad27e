import type { Topic } from '../messaging/topics.js';
import { Cursor } from './cursor.js';
import { LoggedEnvelope } from './logged-envelope.js';
import type { RedisAccess } from './redis-access.js';
import { decodeLogged } from './wire-format.js';
import type { WireReports } from './wire-reports.js';

/** How many topics are asked for at the same time. */
const CHUNK = 500;

/** A part of the log of a topic. */
export interface LogRange {
  readonly topic: Topic;
  /** Beginning after this place. */
  readonly after: number;
}

/** What was found in the logs. */
export interface LogExcerpt {
  /** In the order of their places. */
  readonly envelopes: LoggedEnvelope[];
  /** Topics of which something in the range is not kept any more. */
  readonly incomplete: Topic[];
}

/** An entry of a stream: its id, and names and values in turn. */
type StreamEntry = readonly [id: string, fields: readonly string[]];

/** Reads the logs of topics. */
export class LogReader {
  constructor(
    private readonly redis: RedisAccess,
    private readonly reports: WireReports,
  ) {}

  /** Reads everything up to a place. */
  async read(epoch: string, ranges: readonly LogRange[], upTo: number): Promise<LogExcerpt> {
    const excerpt: LogExcerpt = { envelopes: [], incomplete: [] };
    for (let begin = 0; begin < ranges.length; begin += CHUNK) {
      const chunk = ranges.slice(begin, begin + CHUNK).filter(({ after }) => after < upTo);
      const logs = await Promise.all(chunk.map(({ topic, after }) => this.entries(topic, after, upTo)));
      chunk.forEach((range, index) => this.collect(epoch, range, logs[index] ?? [], excerpt));
    }
    excerpt.envelopes.sort((left, right) => (left.sequence ?? 0) - (right.sequence ?? 0));
    return excerpt;
  }

  private async entries(topic: Topic, after: number, upTo: number): Promise<readonly StreamEntry[]> {
    const log = this.redis.keys.log(topic);
    return (await this.redis.send(['XRANGE', log, `(${after}-0`, `${upTo}-0`])) as StreamEntry[];
  }

  private collect(
    epoch: string,
    { topic, after }: LogRange,
    entries: readonly StreamEntry[],
    { envelopes, incomplete }: LogExcerpt,
  ): void {
    const [first] = entries;
    if (first !== undefined && Number(valueOf(first, 'p')) > after) {
      incomplete.push(topic);
    }
    for (const entry of entries) {
      const sequence = Number.parseInt(entry[0], 10);
      const wire = this.reports.attempt(() => decodeLogged(valueOf(entry, 'm'), epoch, sequence));
      if (wire !== undefined) {
        const position = new Cursor(epoch, sequence).toString();
        envelopes.push(new LoggedEnvelope(topic, wire.message, position, wire.tag, wire.count, sequence));
      }
    }
  }
}

function valueOf([, fields]: StreamEntry, name: string): string {
  return fields[fields.indexOf(name) + 1] ?? '';
}
