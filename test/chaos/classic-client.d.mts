export class ClassicClient {
  constructor(options: {
    readonly port: number;
    /** Default: `chaos`. */
    readonly hub?: string;
    readonly transport: 'webSockets' | 'serverSentEvents' | 'longPolling' | 'foreverFrame';
    /** Of its requests. */
    readonly parameters: Readonly<Record<string, string>>;
    /** Gets the first argument of each call of a client method. */
    readonly onMessage: (value: unknown) => void;
    /** Called when the server has told it to begin anew. */
    readonly onDismissed?: () => void;
  });
  readonly connectionId: string;
  /** How often it has come back. */
  readonly reconnects: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}
