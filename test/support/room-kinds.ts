import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';

import { classicTransports } from './classic-transports.js';
import { coreTransports } from './core-lines.js';
import { binaryTransports } from './packed-core-client.js';
import { type CoreKind, enterAsClassic, enterAsCore, type RoomMember } from './room-members.js';

/** A kind of client, and how one comes in. */
export interface RoomKind {
  readonly name: string;
  readonly enter: (url: string, user: string) => Promise<RoomMember>;
}

export const classicKinds: readonly RoomKind[] = classicTransports.map((transport) => {
  return {
    name: `classic ${transport}`,
    enter: (url, user) => enterAsClassic(url, user, transport),
  };
});

/** The client of ASP.NET Core SignalR over its transports, with both protocols. */
export const coreKinds: readonly (RoomKind & CoreKind)[] = [
  ...coreTransports.map((transport) => coreKind(`Core ${transport}`, { transport })),
  ...binaryTransports.map((transport) =>
    coreKind(`MessagePack ${transport}`, { transport, protocol: new MessagePackHubProtocol() }),
  ),
];

function coreKind(name: string, kind: CoreKind): RoomKind & CoreKind {
  return { name, ...kind, enter: (url, user) => enterAsCore(url, user, kind) };
}
