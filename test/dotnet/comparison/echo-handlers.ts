import { type ConnectionContext, ConnectionHandler, SignalRConnectionHandler } from 'nestjs-signalr';

/** Says what it hears, and ends as it is told. */
@ConnectionHandler('/signalr/rawText')
class EchoHandler extends SignalRConnectionHandler {
  override onReceived(connection: ConnectionContext, data: string | Buffer): unknown {
    switch (data.toString()) {
      case 'close':
        void connection.send('the last words');
        return connection.close();
      case 'fail':
        throw new Error('the handler failed');
      default:
        return connection.send(data);
    }
  }
}

@ConnectionHandler('/signalr/rawBytes', { transferFormat: 'Binary' })
class BytesHandler extends EchoHandler {}

/** The connection handlers that `core-server/Program.cs` maps, at the same paths. */
export const echoHandlers = [EchoHandler, BytesHandler] as const;
