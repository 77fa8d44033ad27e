import { request, type IncomingHttpHeaders } from 'node:http';
import { request as requestOverTls } from 'node:https';

/** A raw HTTP answer: nothing is decoded or followed. */
export interface RawAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The same for who does not expect text. */
export interface BinaryAnswer extends RawAnswer {
  readonly bytes: Buffer;
}

/** A raw HTTP request; the path goes out as it is written. */
export function http(
  method: string,
  url: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<BinaryAnswer> {
  const { protocol, hostname, port } = new URL(url);
  const send = protocol === 'https:' ? requestOverTls : request;
  const path = url.slice(url.indexOf('/', `${protocol}//`.length));
  return new Promise((resolve, reject) => {
    const outgoing = send({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          headers: response.headers,
          body: bytes.toString(),
          bytes,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Asks for an upgrade that is expected to be refused, and gives the answer. */
export function refusedUpgrade(url: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return http('GET', url.replace(/^ws/, 'http'), {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    },
  });
}
