import { HttpTransportType, HubConnectionBuilder, type IHubProtocol, LogLevel } from '@microsoft/signalr';

import { RawClassicClient } from './classic-client.js';

/** A client of any family. */
export interface RoomMember {
  /** Calls a method; what the client was called with before the answer has been counted when this resolves. */
  invoke(method: string, ...args: unknown[]): Promise<unknown>;
  /** How often `hear` was called since the last time this was asked. */
  takeHeard(): number;
  stop(): Promise<unknown>;
}

/** A classic client of the hub `RoomHub`, by hand. */
export async function enterAsClassic(url: string, user: string): Promise<RoomMember> {
  const client = await RawClassicClient.connect(url, { hubs: ['RoomHub'], query: `user=${user}` });
  let taken = 0;
  return {
    invoke: async (method, ...args) => (await client.invoke('RoomHub', method, ...args)).R,
    takeHeard: () => {
      const before = taken;
      taken = client.passedOver.filter(({ M }) => M === 'hear').length;
      return taken - before;
    },
    stop: () => client.abort(),
  };
}

/** The real Core client of the hub `RoomHub`. @param protocol default: JSON. */
export async function enterAsCore(url: string, user: string, protocol?: IHubProtocol): Promise<RoomMember> {
  const builder = new HubConnectionBuilder()
    .withUrl(`${url}/roomHub?user=${user}`, {
      transport: HttpTransportType.WebSockets,
      skipNegotiation: true,
    })
    .configureLogging(LogLevel.None);
  const client = (protocol === undefined ? builder : builder.withHubProtocol(protocol)).build();
  let count = 0;
  client.on('hear', () => void count++);
  await client.start();
  return {
    invoke: (method, ...args) => client.invoke(method, ...args),
    takeHeard: () => {
      const heard = count;
      count = 0;
      return heard;
    },
    stop: () => client.stop(),
  };
}
