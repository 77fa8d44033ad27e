/** Text as it is, bytes as base64: notes travel between processes as JSON. */
export type NoteData = string | { readonly base64: string };

/** A request that one node has taken and checked, for the node that serves it. */
export interface RelayedRequest {
  /** Which endpoint of the other node it is for; the same url on all nodes. */
  readonly scope: string;
  /** What is to be done, in the words of that endpoint. */
  readonly operation: string;
  readonly connectionId: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly remoteAddress?: string | undefined;
  /** Who the checks of the first node say is calling. */
  readonly user?: unknown;
  /** What else the protocol has found out. */
  readonly details?: unknown;
}

/** An HTTP answer on its way to the node that has the client. */
export interface RelayedAnswer {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NoteData;
}

/**
 * What is said of a request between the node that has the client (the front) and the one that serves it (the owner), one
 * after another.
 */
export type RelayPart =
  /** Front: a request begins. */
  | { readonly part: 'open'; readonly request: RelayedRequest }
  /** Both: a piece of the body, messages of a socket, frames. */
  | { readonly part: 'data'; readonly data: readonly NoteData[] }
  /** Both: so much of the data has been taken; more may follow. */
  | { readonly part: 'taken'; readonly size: number }
  /** Front: that was the whole body. */
  | { readonly part: 'bodyEnd' }
  /** Owner: it has no such connection. */
  | { readonly part: 'absent' }
  /** Owner: the answer. The front says `over` when its client has it, or will never have it. */
  | { readonly part: 'answer'; readonly answer: RelayedAnswer }
  /** Owner: no answer but frames, for as long as the line is open. */
  | { readonly part: 'accept' }
  | { readonly part: 'keepAlive'; readonly data: NoteData }
  /** Owner: nothing is to be read of the client for now. */
  | { readonly part: 'pause' }
  | { readonly part: 'resume' }
  /** Owner: the line ends after what was sent. */
  | { readonly part: 'end'; readonly code?: number }
  /** Both: nothing more will be said. `clean` if the client has everything, or has said goodbye. */
  | { readonly part: 'over'; readonly clean: boolean; readonly error?: string };

/** Something that one node tells another. */
export type NodeNote =
  /** A sign of life, for nodes that serve requests of each other. */
  | { readonly type: 'alive' }
  /** Something that the other node has told is lost: what it waits for may never come. */
  | { readonly type: 'missed' }
  | { readonly type: 'relay'; readonly relay: string; readonly say: RelayPart };
