import { request as send, type ClientRequest, type IncomingHttpHeaders } from 'node:http';

import { Inbox } from './inbox.js';

/** A response whose parts are looked at as they arrive. */
export class HttpStream {
  /** Everything that has arrived so far. */
  body = '';
  private readonly chunks = new Inbox<string>();
  /** Resolves when the response has ended, whoever ended it. */
  readonly ended: Promise<string>;

  private constructor(
    private readonly outgoing: ClientRequest,
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    response: NodeJS.ReadableStream,
  ) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      this.body += chunk;
      this.chunks.put(chunk);
    });
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      response.on('close', () => resolve(this.body));
    });
  }

  /** Resolves when the head has arrived. */
  static open(
    method: string,
    url: string,
    {
      headers = {},
      body,
      signal,
    }: { headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
  ): Promise<HttpStream> {
    return new Promise((resolve, reject) => {
      const outgoing = send(url, { method, headers, agent: false, ...(signal && { signal }) }, (response) => {
        resolve(new HttpStream(outgoing, response.statusCode ?? 0, response.headers, response));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Resolves when the body contains a text. */
  async contains(text: string): Promise<void> {
    while (!this.body.includes(text)) {
      await this.chunks.next(`${JSON.stringify(text)} in ${JSON.stringify(this.body)}`);
    }
  }

  /** Resolves when something more has arrived. */
  async more(what = 'more', deadline = 60_000): Promise<void> {
    await this.chunks.next(what, deadline);
  }

  /** Breaks the line. */
  destroy(): void {
    this.outgoing.destroy();
  }
}
