import { decode, encode } from '@msgpack/msgpack';

import { type CoreFrame, RawCoreClient } from './core-client.js';
import { http, type BinaryAnswer } from './http.js';
import { Inbox } from './inbox.js';
import { RawWebSocket } from './web-socket.js';

/** The transports that carry bytes. */
export const binaryTransports = ['WebSockets', 'LongPolling'] as const;
export type BinaryTransportName = (typeof binaryTransports)[number];

const HANDSHAKE = '{"protocol":"messagepack","version":1}\u001e';
const ACCEPTED = '{}\u001e';

/** What carries the bytes of a client. */
interface BinaryLine {
  send(data: string | Buffer): void;
  /** What has come in frames or answers of polls, each as it came. */
  readonly received: Inbox<Buffer>;
  readonly ended: Promise<void>;
  close(): void;
}

/** A Core client of MessagePack that sends and shows every byte itself. */
export class PackedCoreClient {
  private readonly messages: unknown[][] = [];
  private calls = 0;

  private constructor(
    private readonly line: BinaryLine,
    readonly connectionId: string | undefined,
  ) {}

  /** Resolves when the server has ended the line. */
  get ended(): Promise<void> {
    return this.line.ended;
  }

  static async connect(
    hubUrl: string,
    { query = '', transport = 'WebSockets' }: { query?: string; transport?: BinaryTransportName } = {},
  ): Promise<PackedCoreClient> {
    const { connectionToken, connectionId } = await RawCoreClient.negotiate(hubUrl);
    const url = `${hubUrl}?id=${connectionToken}${query === '' ? '' : `&${query}`}`;
    const line = transport === 'WebSockets' ? await openSocket(url) : await openPolls(url);
    line.send(HANDSHAKE);
    const answer = (await line.received.next('the handshake answer')).toString();
    if (answer !== ACCEPTED) {
      throw new Error(`the handshake was refused: ${answer}`);
    }
    return new PackedCoreClient(line, connectionId);
  }

  sendBytes(data: Buffer): void {
    this.line.send(data);
  }

  /** Sends messages as they are written, in one frame or POST. */
  sendPacked(...messages: unknown[]): void {
    this.sendBytes(pack(...messages));
  }

  /** The next message as it was written. What comes in one frame or poll has to be whole messages. */
  async nextPacked(what = 'a message'): Promise<unknown[]> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) {
        return message;
      }
      this.messages.push(...unpack(await this.line.received.next(what)));
    }
  }

  /** Sends a call as clients of JSON write it. */
  send({ invocationId, target, arguments: args }: CoreFrame): void {
    this.sendPacked([1, {}, invocationId ?? null, target, args]);
  }

  /** The next call or completion, in the form that JSON has for it. */
  async next(what?: string): Promise<CoreFrame> {
    for (;;) {
      const message = await this.nextPacked(what);
      const [type, , invocationId, third, fourth] = message;
      if (type === 1) {
        return { type, invocationId, target: third, arguments: fourth };
      }
      if (type === 3) {
        return { type, invocationId, ...(third === 1 ? { error: fourth } : { result: fourth }) };
      }
    }
  }

  /** Calls a method and gives the completion. Calls of client methods that come before it are passed over. */
  async invoke(target: string, ...args: unknown[]): Promise<CoreFrame> {
    const invocationId = `${this.calls++}`;
    this.send({ invocationId, target, arguments: args });
    for (;;) {
      const message = await this.next(`the completion of ${target}`);
      if (message.type === 3 && message.invocationId === invocationId) {
        return message;
      }
    }
  }

  close(): void {
    this.line.close();
  }
}

/** Messages with their lengths in front, as a client writes them. */
export function pack(...messages: unknown[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const body = Buffer.from(encode(message));
      const prefix: number[] = [];
      for (let rest = body.byteLength; prefix.length === 0 || rest > 0; rest >>= 7) {
        prefix.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      }
      return [Buffer.from(prefix), body];
    }),
  );
}

/** The messages of one frame, which has to end with a message. */
export function unpack(frame: Buffer): unknown[][] {
  const messages: unknown[][] = [];
  for (let start = 0; start < frame.byteLength;) {
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = frame.readUInt8(start++);
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte > 0x7f);
    if (start + length > frame.byteLength) {
      throw new Error('a frame ends within a message');
    }
    // Of a Buffer the decoder would cut Buffers.
    messages.push(decode(new Uint8Array(frame.subarray(start, start + length))) as unknown[]);
    start += length;
  }
  return messages;
}

async function openSocket(url: string): Promise<BinaryLine> {
  const socket = await RawWebSocket.open(url.replace(/^http/, 'ws'));
  const received = new Inbox<Buffer>();
  socket.socket.on('message', (data: Buffer, isBinary: boolean) => {
    // A server that has accepted MessagePack sends nothing else (signalr-core §2.2).
    received.put(isBinary ? data : Buffer.from(`a text frame: ${data.toString()}`));
  });
  return {
    send: (data) => socket.send(data),
    received,
    ended: socket.closed.then(() => undefined),
    close: () => socket.close(),
  };
}

async function openPolls(url: string): Promise<BinaryLine> {
  await http('GET', url);
  const received = new Inbox<Buffer>();
  let isClosed = false;
  let posted: Promise<unknown> = Promise.resolve();
  const pollOn = async (): Promise<void> => {
    while (!isClosed) {
      const answer = await http('GET', url).catch((): BinaryAnswer | undefined => undefined);
      if (answer?.status !== 200) {
        return;
      }
      if (answer.bytes.byteLength > 0) {
        received.put(answer.bytes);
      }
    }
  };
  return {
    // One after another, as clients do. One that leaves does not wait for the answers to what it has sent.
    send: (data) => {
      posted = posted.then(() => http('POST', url, { body: data }).catch(() => undefined));
    },
    received,
    ended: pollOn(),
    close: () => {
      isClosed = true;
      void http('DELETE', url).catch(() => undefined);
    },
  };
}
