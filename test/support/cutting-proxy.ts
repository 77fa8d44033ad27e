import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import type { TestApp } from './app.js';

/** Which way bytes go. */
export type Direction = 'toClient' | 'toServer';

/** Stands between clients and an application, and cuts their lines when it is told to, in the middle of a frame too. */
export class CuttingProxy {
  /** How many lines have been cut so far. */
  cuts = 0;
  private readonly lines = new Set<Socket>();
  private isDown = false;
  private armed: { direction: Direction; bytes: number } | undefined;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (client: Socket) => this.accept(client));
  }

  static async before({ url }: Pick<TestApp, 'url'>): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, Number(new URL(url).port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** Address with scheme and port, without a path. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Lets so many bytes through that way, and then cuts the line that brings more; once. */
  cutAfter(bytes: number, direction: Direction): void {
    this.armed = { bytes, direction };
  }

  /** Cuts every line and lets nobody in. */
  goDown(): void {
    this.isDown = true;
    this.cutAll();
  }

  /** Lets clients in again. */
  comeBack(): void {
    this.isDown = false;
  }

  async close(): Promise<void> {
    this.goDown();
    this.server.close();
    await once(this.server, 'close');
  }

  private cutAll(): void {
    for (const client of this.lines) {
      this.cut(client);
    }
  }

  /** The other side follows by its close. */
  private cut(client: Socket): void {
    this.cuts++;
    client.destroy();
  }

  private accept(client: Socket): void {
    if (this.isDown) {
      client.destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    this.lines.add(client);
    this.forward(client, client, server, 'toServer');
    this.forward(client, server, client, 'toClient');
  }

  private forward(client: Socket, from: Socket, to: Socket, direction: Direction): void {
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      const allowed = this.allow(chunk.length, direction);
      if (allowed < chunk.length) {
        to.write(chunk.subarray(0, allowed), () => this.cut(client));
        from.pause();
      } else {
        to.write(chunk);
      }
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      to.destroySoon();
      this.lines.delete(client);
    });
  }

  /** How many bytes may still go that way. */
  private allow(length: number, direction: Direction): number {
    if (this.armed?.direction !== direction) {
      return length;
    }
    const { bytes } = this.armed;
    this.armed = length > bytes ? undefined : { direction, bytes: bytes - length };
    return Math.min(length, bytes);
  }
}
