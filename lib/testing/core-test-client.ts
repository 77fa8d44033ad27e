import { toError } from '../common/errors.js';
import { ConnectionRefusedError, type MemoryNetwork, type MemorySocket } from './memory-network.js';
import { HubCallError, TestClient } from './test-client.js';
import type { HubStreamName, StreamArguments, StreamItem, Undeclared } from './typed-calls.js';
import { isUpload, startUpload, type Upload } from './upload.js';

const SEPARATOR = '\u001e';

/** Where and as whom a client connects. */
export interface ClientSetting {
  readonly network: MemoryNetwork;
  /** Path of the hub, or for classic clients the base path. */
  readonly path: string;
  readonly hub: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly user: unknown;
}

interface CoreMessage {
  readonly type?: number;
  readonly invocationId?: string;
  readonly target?: string;
  readonly arguments?: readonly unknown[];
  readonly item?: unknown;
  readonly result?: unknown;
  readonly error?: string;
  readonly allowReconnect?: boolean;
}

/** Somebody waits for the answer to a call, or for the items of a stream. */
interface Pending {
  item(value: unknown): void;
  complete(result: unknown): void;
  fail(error: Error): void;
}

/** Speaks the JSON protocol of ASP.NET Core SignalR. */
export class CoreTestClient<THub> extends TestClient<THub> {
  private readonly pending = new Map<string, Pending>();
  private lastId = 0;
  private buffered = '';
  private lastWords: CoreMessage = {};

  private constructor(
    readonly connectionId: string,
    private readonly socket: MemorySocket,
  ) {
    super();
    socket.listen({ text: (text) => this.arrived(text), closed: () => this.end() });
  }

  /** @throws ConnectionRefusedError if a guard refuses, HubCallError if the handshake fails. */
  static async connect<THub>({
    network,
    path,
    query,
    headers,
    user,
  }: ClientSetting): Promise<CoreTestClient<THub>> {
    const and = query === '' ? '' : `&${query}`;
    const answer = await network.fetch({
      method: 'POST',
      path: `${path}/negotiate?negotiateVersion=1${and}`,
      headers,
      user,
    });
    if (answer.status !== 200) {
      throw new ConnectionRefusedError(answer.status, answer.body);
    }
    const { connectionId, connectionToken } = JSON.parse(answer.body) as Record<string, string>;
    const socket = await network.openSocket({ path: `${path}?id=${connectionToken}${and}`, headers, user });
    const client = new CoreTestClient<THub>(connectionId as string, socket);
    await client.shakeHands();
    return client;
  }

  protected override callHub(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.call(1, method, args, { item: () => undefined, complete: resolve, fail: reject });
    });
  }

  /**
   * Calls a hub method that gives a stream, when the iteration begins. Breaking off the iteration cancels it. A stream that fails throws
   * a {@link HubCallError} after its items.
   */
  stream<Method extends HubStreamName<THub>>(
    method: Method,
    ...args: StreamArguments<THub, Method>
  ): AsyncGenerator<StreamItem<THub, Method>, void>;
  stream<TItem = unknown, Method extends string = string>(
    method: Undeclared<Method, HubStreamName<THub>>,
    ...args: unknown[]
  ): AsyncGenerator<TItem, void>;
  async *stream(method: string, ...args: unknown[]): AsyncGenerator<unknown, void> {
    const items: unknown[] = [];
    let end: { readonly error?: Error } | undefined;
    let wake = (): void => undefined;
    const finish = (how: { readonly error?: Error }): void => {
      end = how;
      wake();
    };
    const id = this.call(4, method, args, {
      item: (value) => {
        items.push(value);
        wake();
      },
      complete: () => finish({}),
      fail: (error) => finish({ error }),
    });
    try {
      for (;;) {
        while (items.length > 0) {
          yield items.shift();
        }
        if (end !== undefined) {
          break;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      if (end === undefined) {
        this.send({ type: 5, invocationId: id });
      }
    }
    if (end.error !== undefined) {
      throw end.error;
    }
  }

  protected override sayGoodbye(): void {
    this.send({ type: 7 });
  }

  protected override breakLine(): void {
    this.socket.destroy();
  }

  /** Streams among the arguments are uploads: the hub gets them after the other arguments. */
  private call(type: 1 | 4, target: string, args: readonly unknown[], pending: Pending): string {
    const id = `${this.lastId++}`;
    if (!this.socket.isOpen) {
      pending.fail(new HubCallError('The connection has ended.'));
      return id;
    }
    const uploads = args.filter(isUpload);
    const streamIds = uploads.map(() => `${this.lastId++}`);
    this.pending.set(id, pending);
    this.send({
      type,
      invocationId: id,
      target,
      arguments: args.filter((argument) => !isUpload(argument)),
      ...(streamIds.length > 0 && { streamIds }),
    });
    uploads.forEach((upload, index) => this.upload(streamIds[index] as string, upload));
    return id;
  }

  private upload(invocationId: string, items: Upload): void {
    const cancel = startUpload(items, {
      next: (item) => this.send({ type: 2, invocationId, item }),
      error: (error) => this.send({ type: 3, invocationId, error: toError(error).message }),
      complete: () => this.send({ type: 3, invocationId }),
    });
    void this.closed.then(cancel);
  }

  /** Like with any Core client, `onConnected` of the hub may still be running afterwards. */
  private shakeHands(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending.set('handshake', { item: () => undefined, complete: () => resolve(), fail: reject });
      this.send({ protocol: 'json', version: 1 });
    });
  }

  private send(message: object): void {
    if (this.socket.isOpen) {
      this.socket.send(JSON.stringify(message) + SEPARATOR);
    }
  }

  private arrived(text: string): void {
    const records = (this.buffered + text).split(SEPARATOR);
    this.buffered = records.pop() ?? '';
    for (const record of records) {
      this.handle(JSON.parse(record) as CoreMessage);
    }
  }

  private handle(message: CoreMessage): void {
    const { type, invocationId = '', error } = message;
    switch (type) {
      case undefined:
        this.settle('handshake', message);
        return;
      case 1:
        this.called(message);
        return;
      case 2:
        this.pending.get(invocationId)?.item(message.item);
        return;
      case 3:
        this.settle(invocationId, message);
        return;
      case 7:
        this.lastWords = {
          type,
          ...(error !== undefined && { error }),
          allowReconnect: message.allowReconnect === true,
        };
        this.socket.close();
    }
  }

  private called({ target = '', arguments: args = [], invocationId }: CoreMessage): void {
    if (invocationId === undefined) {
      this.hear(target, args);
      return;
    }
    void this.take(target, args).then(
      (results) => {
        const result = results.find((value) => value !== undefined);
        this.send({
          type: 3,
          invocationId,
          ...(result === undefined ? { error: `Client didn't provide a result.` } : { result }),
        });
      },
      (thrown: unknown) => this.send({ type: 3, invocationId, error: String(thrown) }),
    );
  }

  private settle(id: string, { error, result }: CoreMessage): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (error === undefined) {
      pending?.complete(result);
    } else {
      pending?.fail(new HubCallError(error));
    }
  }

  private end(): void {
    const { error, allowReconnect = false } = this.lastWords;
    for (const pending of this.pending.values()) {
      pending.fail(new HubCallError(error ?? 'The connection has ended.'));
    }
    this.pending.clear();
    this.ended({ error, allowReconnect });
  }
}
