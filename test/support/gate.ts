import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Which way data goes through a {@link Gate}. */
type Direction = 'there' | 'back';

/** A line to a server that a test may cut, close, and stop data on. */
export class Gate {
  private readonly sockets = new Set<Socket>();
  private readonly stopped = new Set<Direction>();
  private readonly resumed: (() => void)[] = [];
  private isClosed = false;
  private readonly server = createServer((client) => this.accept(client));

  private constructor(private readonly target: number) {}

  /** @param target port of the server on this machine. */
  static async before(target: number): Promise<Gate> {
    const gate = new Gate(target);
    gate.server.listen(0, '127.0.0.1');
    await once(gate.server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Cuts all lines; new ones are let through, unless the gate is closed. */
  cut(): void {
    this.sockets.forEach((socket) => socket.destroy());
  }

  /** Cuts all lines and refuses new ones. */
  close(): void {
    this.isClosed = true;
    this.cut();
  }

  /** Lets everything through again. */
  open(): void {
    this.isClosed = false;
    this.stopped.clear();
    this.resumed.splice(0).forEach((resume) => resume());
  }

  /** From now on nothing gets through in a direction, while the lines seem to be good. */
  stop(direction: Direction): void {
    this.stopped.add(direction);
  }

  /** The lines that are open are dead from now on; new ones are let through. */
  freeze(): void {
    for (const socket of this.sockets) {
      socket.removeAllListeners('data');
      socket.on('data', () => undefined);
    }
  }

  async dispose(): Promise<void> {
    this.close();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    if (this.isClosed) {
      client.destroy();
      return;
    }
    const server = connect({ port: this.target, host: '127.0.0.1' });
    this.pipe(client, server, 'there');
    this.pipe(server, client, 'back');
  }

  private pipe(from: Socket, to: Socket, direction: Direction): void {
    this.sockets.add(from);
    from.on('data', (chunk: Buffer) => {
      if (this.stopped.has(direction)) {
        this.resumed.push(() => to.write(chunk));
      } else {
        to.write(chunk);
      }
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
  }
}
