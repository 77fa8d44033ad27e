import { isDeepStrictEqual } from 'node:util';

import { http, type RawAnswer } from '../../support/http.js';
import { Conversation, type Opening } from './conversation.js';
import { normalized } from './normalized.js';

/** What is played against both servers. */
export interface Script {
  readonly name: string;
  play(stage: Stage): Promise<void>;
}

/** Something that two servers did differently. */
export interface Finding {
  readonly step: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}

/** Headers that clients or proxies could look at. */
const HEADERS = [
  'content-type',
  'content-encoding',
  'cache-control',
  'pragma',
  'expires',
  'allow',
  'location',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
];

/** A server on which a script is played, and what it did at each step. */
export class Stage {
  private readonly steps = new Map<string, unknown>();
  private readonly open: Conversation[] = [];

  private constructor(private readonly base: string) {}

  /** Plays a script and gives what happened, by step. */
  static async play(script: Script, base: string): Promise<ReadonlyMap<string, unknown>> {
    const stage = new Stage(base);
    try {
      await script.play(stage);
    } finally {
      for (const conversation of stage.open) {
        conversation.drop();
      }
    }
    return stage.steps;
  }

  url(path: string): string {
    return `${this.base}/signalr/${path}`;
  }

  note(step: string, what: unknown): void {
    if (this.steps.has(step)) {
      throw new Error(`two steps are named ${step}`);
    }
    this.steps.set(step, what);
  }

  /** Sends a request and notes the answer. */
  async request(
    step: string,
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer } = {},
  ): Promise<RawAnswer> {
    const answer = await http(method, this.url(path), options);
    this.note(step, summary(answer));
    return answer;
  }

  async connect(hub: string, opening?: Opening): Promise<Conversation> {
    return this.keep(await Conversation.open(this.url(hub), opening));
  }

  async start(hub: string, opening?: Opening): Promise<Conversation> {
    return this.keep(await Conversation.start(this.url(hub), opening));
  }

  /** Sends messages after a handshake and notes everything that comes until all has been handled. */
  async converse(step: string, hub: string, messages: readonly string[], opening?: Opening): Promise<void> {
    const conversation = await this.start(hub, opening);
    conversation.send(...messages);
    await conversation.settle();
    await this.endOf(step, conversation);
  }

  /** Notes what has come to a connection. */
  async endOf(step: string, conversation: Conversation): Promise<void> {
    this.note(step, await conversation.report());
    conversation.drop();
  }

  private keep(conversation: Conversation): Conversation {
    this.open.push(conversation);
    return conversation;
  }
}

/** What of an answer is compared. How the host answers what is nobody's is its own affair. */
export function summary({ status, headers, body }: RawAnswer): object {
  if (status === 404 && headers['content-type'] !== 'text/plain') {
    return { status, from: 'the host' };
  }
  const shown = HEADERS.filter((name) => headers[name] !== undefined).map((name) => [name, headers[name]]);
  return { status, ...Object.fromEntries(shown), body: normalized(body) };
}

/** The steps at which two servers differ. */
export function differences(
  theirs: ReadonlyMap<string, unknown>,
  ours: ReadonlyMap<string, unknown>,
): readonly Finding[] {
  const steps = new Set([...theirs.keys(), ...ours.keys()]);
  return [...steps]
    .map((step) => ({ step, theirs: theirs.get(step), ours: ours.get(step) }))
    .filter((finding) => !isDeepStrictEqual(finding.theirs, finding.ours));
}
