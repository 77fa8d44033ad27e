import type { Frame } from './frame.js';

/** How a connection is carried; the names are those of classic SignalR. */
export type TransportName = 'webSockets' | 'serverSentEvents' | 'longPolling' | 'foreverFrame';

/** Why a channel ended. */
export interface ChannelEnd {
  /** True if the peer said goodbye (WebSocket close frame), false if the line just went dead. */
  readonly clean: boolean;
  /** What the peer did wrong, if that ended the channel. */
  readonly error?: Error;
  /** True if the peer did not come back in time, where it has to. */
  readonly timedOut?: boolean;
}

/** Who uses a channel: the session of one of the protocols. */
export interface ChannelOwner {
  /** Something arrived, as text or as bytes. It is the receiver's to keep. */
  onData(data: Buffer, isBinary: boolean): void;
  /** The peer has taken what was written, after {@link Channel.writable} had been false. */
  onWritable(): void;
  /** The channel has ended, once, whoever ended it. Nothing arrives afterwards. */
  onEnd(end: ChannelEnd): void;
}

/** A channel that may be open for longer than its session uses it, while what was sent is still being read. */
export interface LastingChannel extends Channel {
  /** Resolves when nothing is open any more. */
  readonly whenClosed: Promise<void>;
}

/**
 * Moves frames between one peer and its session, and knows nothing of hubs or protocols. A connection has one channel
 * at a time, and may have several in its life.
 */
export interface Channel {
  readonly transport: TransportName;
  /** Who is told of what happens. A session that lets go of its channel puts nobody here. */
  owner: ChannelOwner | undefined;
  /** False while the peer does not take what was written; the session keeps its messages back until `onWritable`. */
  readonly writable: boolean;
  /** Writes all frames at once, in order. */
  send(frames: readonly Frame[]): void;
  /** Sends a sign of life, in the form of the transport. */
  keepAlive(frame: Frame): void;
  /** Stops reading from the peer, so that it has to wait. */
  pause(): void;
  resume(): void;
  /** Ends the channel after what was sent, telling the peer. */
  end(code?: number): void;
  /** Drops the channel at once. */
  destroy(): void;
}
