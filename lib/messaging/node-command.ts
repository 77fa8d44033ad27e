import type { ClientCall } from './envelope.js';

/** What came of asking a client. The values travel between processes as JSON. */
export type ClientAnswer =
  | { readonly type: 'result'; readonly result: unknown }
  /** The client failed, with what it says. */
  | { readonly type: 'error'; readonly error: string }
  /** It has answered with neither. */
  | { readonly type: 'empty' }
  /** It has gone. */
  | { readonly type: 'gone' }
  /** It has not answered in time. */
  | { readonly type: 'silent' }
  /** It is of a kind that cannot answer. */
  | { readonly type: 'mute' };

/** Something to be done by the node that owns a connection. The values travel between processes as JSON. */
export type NodeCommand =
  | { readonly type: 'addToGroup' | 'removeFromGroup'; readonly connectionId: string; readonly topic: string }
  | {
      /** Calls a client method and waits for what the client answers: the acknowledgement is a {@link ClientAnswer}. */
      readonly type: 'ask';
      readonly connectionId: string;
      readonly call: ClientCall;
      /** How long, in milliseconds, the client has. */
      readonly timeout: number;
    }
  | {
      /**
       * Tells the groups of the connection at a node that had it as well, and that nobody could ask: a connection that is not
       * in all of them may have missed messages.
       */
      readonly type: 'leftBehind';
      readonly connectionId: string;
      readonly topics: readonly string[];
    }
  | {
      readonly type: 'disconnect';
      readonly connectionId: string;
      /** Shown to Core clients as the error of the Close message. */
      readonly reason?: string;
      /** Lets Core clients with automatic reconnect come back. */
      readonly allowReconnect: boolean;
    };
