/** The two families of SignalR clients, as `context.protocol` names them. */
export type Family = 'classic' | 'core';

/** Somebody who has joined. The id is made for the page; connection ids stay on the server. */
export interface Participant {
  id: string;
  name: string;
}

export interface ChatMessage {
  id: string;
  authorId: string;
  name: string;
  text: string;
  /** ISO 8601. */
  at: string;
  /** The kind of client it was written with. */
  via: Family;
}

export interface Announcement {
  /** `left` by choice, `lost` when the connection went away without a word. */
  kind: 'joined' | 'left' | 'lost';
  name: string;
  /** ISO 8601. */
  at: string;
}

/** What a connection hears first: how the server sees it, and what was said before. */
export interface Welcome {
  transport: string | undefined;
  protocol: string;
  history: ChatMessage[];
}

/** What the server may call on a client, whichever family it is of. */
export interface ChatClient {
  welcome(welcome: Welcome): void;
  addMessage(message: ChatMessage): void;
  announce(announcement: Announcement): void;
  connectionCount(count: number): void;
}
