import { type CoreFrame, type CoreNegotiation, RS } from './core-client.js';
import { http } from './http.js';
import { RawWebSocket } from './web-socket.js';

/** A client that replaces its socket when it wants to. */
export class StatefulClient {
  private buffered = '';

  private constructor(
    /** Where its socket was opened. */
    readonly url: string,
    readonly connectionId: string,
    public socket: RawWebSocket,
  ) {}

  /** Negotiates at a hub, connects and shakes hands. */
  static async connect(hub: string, version = 2): Promise<StatefulClient> {
    const query = 'negotiateVersion=1&useStatefulReconnect=true';
    const answer = JSON.parse((await http('POST', `${hub}/negotiate?${query}`)).body) as CoreNegotiation;
    const url = `${hub.replace('http', 'ws')}?id=${answer.connectionToken}`;
    const client = new StatefulClient(url, answer.connectionId, await RawWebSocket.open(url));
    client.raw(`{"protocol":"json","version":${version}}`);
    await client.record();
    return client;
  }

  /** Opens another socket. */
  async reopen(query = ''): Promise<void> {
    await this.reopenAt(this.url + query);
  }

  /** The same at another server. */
  async reopenAt(url: string): Promise<void> {
    this.socket = await RawWebSocket.open(url);
    this.buffered = '';
  }

  raw(text: string): void {
    this.socket.send(text + RS);
  }

  send(...messages: CoreFrame[]): void {
    this.socket.send(messages.map((message) => JSON.stringify(message) + RS).join(''));
  }

  /** The next message as it was written. */
  async record(): Promise<string> {
    while (!this.buffered.includes(RS)) {
      this.buffered += await this.socket.nextText('a message');
    }
    const end = this.buffered.indexOf(RS);
    const record = this.buffered.slice(0, end);
    this.buffered = this.buffered.slice(end + 1);
    return record;
  }

  async next(): Promise<CoreFrame> {
    return JSON.parse(await this.record()) as CoreFrame;
  }
}
