import { type IncomingMessage, type OutgoingHttpHeaders, STATUS_CODES, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A complete answer to a request that is not streamed: the same value answers plain requests and refused upgrades. */
export interface HttpAnswer<Body = string> {
  readonly status: number;
  /** Reason phrase, if not the usual one of the status. */
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** Sends an answer to a plain request. @param common headers of all answers; those of the answer go before them */
export function sendAnswer(
  response: ServerResponse,
  answer: HttpAnswer<string | Uint8Array>,
  common?: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) {
    return;
  }
  const { status, reason, headers, body = '' } = answer;
  const all: OutgoingHttpHeaders = status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) };
  // Not spread: an object that gets more members after it was spread costs V8 ten times as much.
  response.writeHead(status, reason, Object.assign(all, common, headers));
  endWith(response, body);
}

/**
 * Ends a response with its body. What Node's `end` is given, it writes as two parts, of which the second one is empty; head and body
 * in a single part cost less than that. Middleware that has put an `end` of its own in place of Node's wants to see the body
 * there: sessions are saved before it leaves.
 */
export function endWith(response: EndableResponse, body: string | Uint8Array): void {
  if (!isNodesOwn(response) || response.socket === null || body.length === 0) {
    response.end(body);
    return;
  }
  const { socket } = response;
  socket.cork();
  response.write(body);
  socket.uncork();
  response.end();
}

function isNodesOwn(response: EndableResponse): response is ServerResponse {
  const { end, write } = ServerResponse.prototype;
  return response instanceof ServerResponse && response.end === end && response.write === write;
}

/** A response of this process, or of another one that has the client. */
interface EndableResponse {
  end(body?: string | Uint8Array): unknown;
}

/** Refuses an upgrade with a proper answer before the socket is closed. */
export function refuseUpgrade(socket: Duplex, answer: HttpAnswer<string | Uint8Array>): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = answer.body?.toString() ?? '';
  const headers = {
    Connection: 'close',
    'Content-Length': String(Buffer.byteLength(body)),
    ...answer.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${answer.status} ${answer.reason ?? STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  );
}

/** A response for a request that asked for an upgrade and does not get one: it is answered as if it had not asked. */
export function respondWithoutUpgrade(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once('finish', () => socket.end());
  return response;
}

/** A request body that could not be read: it was too large (413), or the client went away while sending it (400). */
export class BodyError extends Error {
  override readonly name = 'BodyError';

  constructor(
    readonly status: 400 | 413,
    options?: ErrorOptions,
  ) {
    super(status === 413 ? 'The body is too large.' : 'The body could not be read.', options);
  }
}

/** What body parsers of the application may have left on a request before it reached us. */
interface ParsedRequest extends IncomingMessage {
  rawBody?: Buffer | string;
  body?: unknown;
}

/**
 * A body whatever its content type, as it arrives. Express applications parse JSON and form bodies before we see them:
 * what a parser has consumed is taken from where it put it (NEST: `rawBody`, then `body`).
 *
 * @throws BodyError if there is less than was announced.
 */
export async function* bodyChunks(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  const { rawBody, body } = request as ParsedRequest;
  const parsed = rawBody ?? (request.readableEnded ? body : undefined);
  if (parsed !== undefined) {
    yield reencode(parsed);
    return;
  }
  try {
    // Destroying the request would take the answer with it.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new BodyError(400, { cause: error });
  }
}

/** False if a request announces no body: to read what is not there costs a poll more than all else. */
export function hasBody({ headers, httpVersionMajor }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  // From HTTP/2 on, a body need not be announced.
  return length !== undefined || encoding !== undefined || httpVersionMajor > 1;
}

/** The whole of a body. @throws BodyError if there are more than `limit` bytes, or not as many as were announced. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(request)) {
    size += chunk.byteLength;
    if (size > limit) {
      throw new BodyError(413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reencode(parsed: unknown): Buffer {
  if (Buffer.isBuffer(parsed)) {
    return parsed;
  }
  if (typeof parsed === 'string') {
    return Buffer.from(parsed);
  }
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parsed as Record<string, unknown>)) {
    for (const single of Array.isArray(value) ? value : [value]) {
      form.append(name, typeof single === 'string' ? single : JSON.stringify(single));
    }
  }
  return Buffer.from(form.toString());
}
