import type { ConnectionContext } from 'nestjs-signalr';
import { ConnectionHandler, SignalRConnectionHandler } from 'nestjs-signalr';

import { type Deferred, Inbox } from '../../support/inbox.js';

/** Something that a handler of the tests was told. */
export interface Happening {
  readonly what: 'connected' | 'received' | 'handled' | 'disconnected';
  readonly connection: ConnectionContext;
  readonly data?: string | Buffer;
  readonly error?: Error | undefined;
  readonly aborted: boolean;
}

/** What the handlers below report. Each file of tests runs in a process of its own. */
export const happenings = new Inbox<Happening>();

/** The next thing that a handler was told, of one connection if one is given. */
export const next = (what: Happening['what'], id?: string): Promise<Happening> =>
  happenings.nextWhere(
    what,
    (happened) => happened.what === what && (id ?? happened.connection.id) === happened.connection.id,
  );

/** Gates that handlers wait at, by name. */
export const gates = new Map<string, Deferred>();

/** Reports everything, and does what it is told. */
abstract class ReportingHandler extends SignalRConnectionHandler {
  override async onConnected(connection: ConnectionContext): Promise<void> {
    this.report('connected', connection);
    if (connection.query.get('refuse') !== undefined) {
      throw new Error('the handler does not want it');
    }
    await gates.get(connection.query.get('gate') ?? '')?.promise;
    const welcome = connection.query.get('welcome');
    if (welcome !== undefined) {
      await connection.send(welcome);
    }
  }

  override async onReceived(connection: ConnectionContext, data: string | Buffer): Promise<void> {
    this.report('received', connection, { data });
    const [command, argument = ''] = data.toString().split(':');
    switch (command) {
      case 'fail':
        throw new Error('the handler failed');
      case 'close':
        void connection.send('the last words');
        connection.close();
        break;
      case 'wait':
        await gates.get(argument)?.promise;
        break;
      default:
        await connection.send(data);
    }
    this.report('handled', connection, { data });
  }

  override onDisconnected(connection: ConnectionContext, error?: Error): void {
    this.report('disconnected', connection, { error });
  }

  private report(
    what: Happening['what'],
    connection: ConnectionContext,
    detail: Partial<Happening> = {},
  ): void {
    happenings.put({ what, connection, aborted: connection.aborted.aborted, ...detail });
  }
}

/** Says what it hears. */
@ConnectionHandler('/echo')
export class EchoHandler extends ReportingHandler {}

/** The same with bytes. */
@ConnectionHandler('/raw/bytes', { transferFormat: 'Binary' })
export class BytesHandler extends ReportingHandler {}

/** The same with little room. */
@ConnectionHandler('/small', {
  applicationMaxBufferSize: 100,
  maximumWebSocketMessageSize: 1_000,
  outbox: { maxBytes: 1_000 },
  transports: ['WebSockets', 'LongPolling'],
})
export class SmallHandler extends ReportingHandler {}
