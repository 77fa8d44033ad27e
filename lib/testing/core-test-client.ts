import type { WebSocket } from 'ws';

import { isStream } from '../common/streams.js';
import { ConnectionRefusedError, type MemoryNetwork } from './memory-network.js';
import { HubCallError, TestClient } from './test-client.js';

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
    private readonly socket: WebSocket,
  ) {
    super();
    socket.on('message', (data: Buffer) => this.arrived(data.toString()));
    socket.on('close', () => this.end());
    socket.on('error', () => undefined);
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

  override invoke<TResult = unknown>(method: string, ...args: unknown[]): Promise<TResult> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        item: () => undefined,
        complete: (result) => resolve(result as TResult),
        fail: reject,
      };
      this.call(1, method, args, pending);
    });
  }

  /** Calls a hub method that gives a stream. Breaking off the iteration cancels it. */
  async *stream<TItem = unknown>(method: string, ...args: unknown[]): AsyncGenerator<TItem, void> {
    const items: TItem[] = [];
    let end: { readonly error?: Error } | undefined;
    let wake = (): void => undefined;
    const finish = (how: { readonly error?: Error }): void => {
      end = how;
      wake();
    };
    const id = this.call(4, method, args, {
      item: (value) => {
        items.push(value as TItem);
        wake();
      },
      complete: () => finish({}),
      fail: (error) => finish({ error }),
    });
    try {
      for (;;) {
        while (items.length > 0) {
          yield items.shift() as TItem;
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

  override async close(): Promise<void> {
    this.send({ type: 7 });
    await this.closed;
  }

  override async drop(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  /** Async iterables among the arguments are streams that the client sends. */
  private call(type: 1 | 4, target: string, args: readonly unknown[], pending: Pending): string {
    const id = `${this.lastId++}`;
    if (this.socket.readyState !== this.socket.OPEN) {
      pending.fail(new HubCallError('The connection has ended.'));
      return id;
    }
    const uploads = args.filter((argument) => isStream(argument)) as AsyncIterable<unknown>[];
    const streamIds = uploads.map(() => `${this.lastId++}`);
    this.pending.set(id, pending);
    this.send({
      type,
      invocationId: id,
      target,
      arguments: args.filter((argument) => !isStream(argument)),
      ...(streamIds.length > 0 && { streamIds }),
    });
    uploads.forEach((upload, index) => void this.upload(streamIds[index] as string, upload));
    return id;
  }

  private async upload(invocationId: string, items: AsyncIterable<unknown>): Promise<void> {
    try {
      for await (const item of items) {
        this.send({ type: 2, invocationId, item });
      }
      this.send({ type: 3, invocationId });
    } catch (error) {
      this.send({ type: 3, invocationId, error: (error as Error).message });
    }
  }

  /** Like with any Core client, `onConnected` of the hub may still be running afterwards. */
  private shakeHands(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pending.set('handshake', { item: () => undefined, complete: () => resolve(), fail: reject });
      this.send({ protocol: 'json', version: 1 });
    });
  }

  private send(message: object): void {
    if (this.socket.readyState === this.socket.OPEN) {
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
    let returned: unknown[];
    try {
      returned = this.take(target, args);
    } catch (thrown) {
      returned = [Promise.reject(thrown as Error)];
    }
    if (invocationId === undefined) {
      // Nobody wants to know.
      void Promise.allSettled(returned);
      return;
    }
    void Promise.all(returned).then(
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
