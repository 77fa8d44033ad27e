import type { Joined } from './membership.js';

/** A session on its way to the node that its client has come back to. It travels as JSON. */
export interface HandedSession {
  readonly userId?: string | undefined;
  readonly groups: readonly Joined[];
  /** True if `onConnected` has run for a client that does not ask for it. */
  readonly isGreeted: boolean;
}

/** What a node answers that was asked for a session: the session, or why its client is not to come back. */
export type Release = { readonly session: HandedSession } | { readonly dismissal: string };
