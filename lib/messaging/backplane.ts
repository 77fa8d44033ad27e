import type { ConnectionDirectory, ConnectionEntry } from './connection-directory.js';
import type { Envelope, Message } from './envelope.js';
import type { ClientAnswer, NodeCommand } from './node-command.js';
import type { NodeNote } from './node-note.js';
import type { Topic } from './topics.js';

/** What the owner of a connection says when it has carried out a command: for `ask` the answer of the client. */
export type Acknowledgement = true | ClientAnswer;

/**
 * Why something that another node has sent was passed over: a newer release has written it in a format of its own, or nobody
 * can make sense of it.
 *
 * @publicApi
 */
export type SkipReason = 'newer_release' | 'unreadable';

/** One process that has connections, as its backplane sees it. */
export interface BackplaneNode {
  /** Unique name of the process. */
  readonly id: string;
  /** False for processes that have no connections: they leave it to others to clear up after dead nodes. Default: true. */
  readonly servesClients?: boolean;
  /** Hands on a message of a topic that the node subscribed to. Never throws. */
  deliver(envelope: Envelope): void;
  /**
   * Carries out a command for a connection of this node.
   *
   * @returns false if the connection is not here; true or what its client has answered is the acknowledgement.
   */
  execute(command: NodeCommand): Acknowledgement | false | Promise<Acknowledgement | false>;
  /** Takes in what another node tells it, in the order in which that node has told it. Never throws. */
  hear(note: NodeNote, from: string): void;
  /**
   * Some notes of another node are lost, or of any: nothing that was being said with it can go on. Never throws.
   *
   * @param from the node. Default: nobody knows which.
   */
  missed?(from?: string): void;
  /**
   * Messages of some topics, or of all, may have been lost for this node, and cannot be made up: connections that are
   * subscribed to them cannot go on as if nothing were missing. Never throws.
   */
  gap?(topics: readonly Topic[] | 'all'): void;
  /**
   * The directory could not tell the groups of users for a while, and can now: connections that have come meanwhile are to
   * be put into theirs. Never throws.
   */
  userGroupsBack?(): void;
  /**
   * Another node has a connection that this one has as well: its client has gone there while this node could not be heard, or
   * has come here while nobody could be asked. There is one owner, and that is the other. Never throws.
   */
  taken?(connectionId: string, nodeId: string): void;
  /**
   * A connection is gone because its node died; told to exactly one of the nodes that are left. If the node was only cut
   * off, the connection may turn up again. Never throws.
   */
  orphaned?(entry: ConnectionEntry): void;
  /**
   * Something that another node has sent was passed over, for metrics; told each time, while logs are to say it once. Never
   * throws.
   */
  skipped?(reason: SkipReason): void;
}

/** What a returning connection missed. */
export interface Replay {
  /** Messages after the cursor, in the order of their positions. */
  readonly envelopes: readonly Envelope[];
  /**
   * False if the cursor is not of this log (another process, another life of the backplane): the connection starts at
   * the end, and what it missed is unknown.
   */
  readonly known: boolean;
  /** False if some of what was published after the cursor is no longer kept, or nobody knows whether it is. */
  readonly complete: boolean;
  /** The cursor of a connection that has got all of this. Default: what {@link Backplane.tail} says. */
  readonly position?: string;
  /**
   * What messages that arrive live have to pass: those that arrive while the replay is under way, which may be among
   * what is replayed. Default: they are told apart by their positions.
   */
  readonly screen?: ReplayScreen;
}

/** For who comes for the first time, or is where the log is. */
export const NOTHING_MISSED: Replay = { envelopes: [], known: true, complete: true };

/** Stands between a connection that has returned and the messages that reach its node. */
export interface ReplayScreen {
  /** The message as this connection is to get it; undefined if the connection has it already, or gets it by the replay. */
  admit(envelope: Envelope): Envelope | undefined;
  /**
   * True if messages have to pass it for as long as the connection stays: some that the connection has seen on another
   * node may arrive here much later.
   */
  readonly isLasting: boolean;
}

/** A topic that a returning connection asks for. */
export interface ReplayTopic {
  readonly topic: Topic;
  /** Messages up to this position are none of its business: it was not subscribed then. */
  readonly since?: string;
}

/** How well a backplane does. */
export interface BackplaneHealth {
  readonly status: 'up' | 'degraded' | 'down';
  readonly detail?: string;
}

/**
 * Carries messages and commands between the nodes of an application, keeps the recent past of every topic, and knows
 * who is connected where. Everything that needs to know of other processes goes through it; `docs/architecture.md`
 * tells how to write one.
 *
 * @publicApi
 */
export interface Backplane {
  /** Name for logs and health. */
  readonly name: string;

  /**
   * True if the past is kept over restarts and for all nodes, so that a classic client whose past is not there has lost
   * something and is told to begin anew. Default: false; it goes on with what there is, like with the original.
   */
  readonly promisesPast?: boolean;

  /** Joins the application as a node. Called once, before anything else. A throw fails the start of the application. */
  start(node: BackplaneNode): void | Promise<void>;

  /** Leaves. Called once, after the last connection of the node has ended. */
  stop(): void | Promise<void>;

  /**
   * Publishes a message to one topic. Returns (or resolves) when the backplane has accepted it, not when it was received;
   * messages accepted one after another reach each subscriber in that order. A throw reaches the sender.
   */
  publish(topic: Topic, message: Message): void | Promise<void>;

  /** From now on the node gets the messages of a topic. Called once per topic until it is unsubscribed. */
  subscribe(topic: Topic): void | Promise<void>;
  unsubscribe(topic: Topic): void | Promise<void>;

  /**
   * Where a connection has joined a topic for which its node has just been subscribed: asked once {@link subscribe} has
   * resolved, with what {@link tail} said before. For backplanes that know only by then what had been said on the topic.
   * Default: the tail.
   */
  joinedAt?(topic: Topic, tail: string): string;

  /** The cursor that stands for now: replayed later, it yields everything published after this call. */
  tail(): string;

  /**
   * What was published to some topics after a cursor, oldest first, as far as it is still kept.
   *
   * @throws InvalidCursorError if the cursor is of this log but damaged.
   */
  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay>;

  /**
   * Has the node that owns a connection carry out a command.
   *
   * @returns a promise that resolves with its acknowledgement when the owner has done it, and rejects with SIGNALR_ACK_TIMEOUT if no node
   * acknowledged within `timeout` milliseconds.
   */
  command(command: NodeCommand, timeout: number): Promise<Acknowledgement>;

  /**
   * Tells another node something. Notes of one node to another arrive once and in order; if some are lost, the other node is
   * told by {@link BackplaneNode.missed} before it hears the next one. Nobody acknowledges them, and none is kept for a node
   * that is not there. A throw counts as if nobody were there.
   *
   * @returns false if it is known that no such node is there.
   */
  tell(nodeId: string, note: NodeNote): boolean | Promise<boolean>;

  /** Who is connected, on which node, in which groups. */
  readonly directory: ConnectionDirectory;

  health(): BackplaneHealth | Promise<BackplaneHealth>;
}

/** A cursor that looks like one of this log and cannot be read. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';

  constructor() {
    super('Invalid cursor.');
  }
}
