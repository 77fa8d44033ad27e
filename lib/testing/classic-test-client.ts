import type { ClientSetting } from './core-test-client.js';
import { ConnectionRefusedError, type MemorySocket } from './memory-network.js';
import { type ConnectionEnd, HubCallError, TestClient } from './test-client.js';

interface ClassicCall {
  readonly H?: string;
  readonly M?: string;
  readonly A?: readonly unknown[];
  readonly S?: Record<string, unknown>;
  readonly P?: { readonly I: string; readonly D: unknown };
}

interface ClassicFrame {
  /** Messages; in the answer to a call it does not occur. */
  readonly M?: readonly ClassicCall[];
  /** The connection is initialized. */
  readonly S?: unknown;
  /** The client is not to come back, and why. */
  readonly D?: unknown;
  readonly E?: string;
  /** The client is to come back. */
  readonly T?: unknown;
  readonly I?: string;
  readonly R?: unknown;
}

const ENDED = 'The connection has ended.';

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Speaks the protocol of classic SignalR 2.x, with one hub. */
export class ClassicTestClient<THub> extends TestClient<THub> {
  /** State that travels with calls, as `clients.callerState` in the hub; what the hub changes comes back. */
  readonly state: Record<string, unknown> = {};
  /** What hub methods have said of their progress, oldest first. */
  readonly progress: unknown[] = [];
  private readonly pending = new Map<string, Pending>();
  private calls = 0;
  private complaint: string | undefined;
  private allowReconnect = true;
  private readonly initialized: Promise<void>;
  private initialize!: () => void;

  private constructor(
    readonly connectionId: string,
    private readonly setting: ClientSetting,
    private readonly query: string,
    private readonly socket: MemorySocket,
  ) {
    super();
    this.initialized = new Promise((resolve) => {
      this.initialize = resolve;
    });
    socket.listen({
      text: (text) => this.handle(JSON.parse(text) as ClassicFrame),
      closed: () => this.end(),
    });
  }

  /** @throws ConnectionRefusedError if a guard refuses, or `onConnected` throws (500). */
  static async connect<THub>(setting: ClientSetting): Promise<ClassicTestClient<THub>> {
    const { network, path, headers, user } = setting;
    const hubs = encodeURIComponent(JSON.stringify([{ name: setting.hub }]));
    const common = `clientProtocol=2.1&connectionData=${hubs}${setting.query === '' ? '' : `&${setting.query}`}`;
    const answer = await network.fetch({ method: 'GET', path: `${path}/negotiate?${common}`, headers, user });
    if (answer.status !== 200) {
      throw new ConnectionRefusedError(answer.status, answer.body);
    }
    const { ConnectionId, ConnectionToken } = JSON.parse(answer.body) as Record<string, string>;
    const query = `transport=webSockets&connectionToken=${encodeURIComponent(ConnectionToken as string)}&${common}`;
    const socket = await network.openSocket({ path: `${path}/connect?${query}`, headers, user });
    const client = new ClassicTestClient<THub>(ConnectionId as string, setting, query, socket);
    await Promise.race([client.initialized, client.closed.then(failConnecting)]);
    await client.request('GET', 'start');
    return client;
  }

  protected override callHub(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.socket.isOpen) {
        reject(new HubCallError(ENDED));
        return;
      }
      const id = `${this.calls++}`;
      this.pending.set(id, { resolve, reject });
      const state = Object.keys(this.state).length > 0 ? { S: this.state } : {};
      this.socket.send(JSON.stringify({ H: this.setting.hub, M: method, A: args, I: Number(id), ...state }));
    });
  }

  protected override async sayGoodbye(): Promise<void> {
    await this.request('POST', 'abort');
    this.socket.close();
  }

  protected override breakLine(): void {
    this.socket.destroy();
  }

  private async request(method: string, operation: string): Promise<void> {
    const { network, path, headers, user } = this.setting;
    const answer = await network.fetch({ method, path: `${path}/${operation}?${this.query}`, headers, user });
    if (answer.status !== 200) {
      this.socket.destroy();
      throw new ConnectionRefusedError(answer.status, answer.body);
    }
  }

  private handle(frame: ClassicFrame): void {
    if (frame.I !== undefined) {
      this.answered(frame as ClassicFrame & { readonly I: string });
      return;
    }
    for (const { M, A = [], S = {}, P } of frame.M ?? []) {
      Object.assign(this.state, S);
      if (P !== undefined) {
        this.progress.push(P.D);
      } else if (M !== undefined) {
        this.hear(M, A);
      }
    }
    if (frame.D !== undefined) {
      this.allowReconnect = false;
      this.complaint = frame.E;
    }
    if (frame.S !== undefined) {
      this.initialize();
    }
  }

  private answered({ I, R, E, D, S }: ClassicFrame & { readonly I: string }): void {
    Object.assign(this.state, S);
    const pending = this.pending.get(I);
    this.pending.delete(I);
    if (E === undefined) {
      pending?.resolve(R);
    } else {
      pending?.reject(new HubCallError(E, D));
    }
  }

  private end(): void {
    for (const { reject } of this.pending.values()) {
      reject(new HubCallError(this.complaint ?? ENDED));
    }
    this.pending.clear();
    this.ended({ error: this.complaint, allowReconnect: this.allowReconnect });
  }
}

function failConnecting({ error = ENDED }: ConnectionEnd): never {
  throw new HubCallError(error);
}
