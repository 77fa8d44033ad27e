/** Something to be done by the node that owns a connection. The values travel between processes as JSON. */
export type NodeCommand =
  | { readonly type: 'addToGroup' | 'removeFromGroup'; readonly connectionId: string; readonly topic: string }
  | {
      readonly type: 'disconnect';
      readonly connectionId: string;
      /** Shown to Core clients as the error of the Close message. */
      readonly reason?: string;
      /** Lets Core clients with automatic reconnect come back. */
      readonly allowReconnect: boolean;
    };
