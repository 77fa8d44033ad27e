import type { LossListeners, TellOfLoss } from '../connections/lost-connections.js';
import { ConnectionContext } from '../connection-handlers/connection-context.js';
import type { HubInvoker, LifecycleEvent } from '../invocation/hub-invoker.js';
import type { DiscoveredApplication } from './application.explorer.js';

/** Nobody has said goodbye. */
const LOST: LifecycleEvent = { name: 'onDisconnected', args: [false] };

/** Everything of an application that is told when connections of dead nodes have ended. */
export function lossListeners(
  { hubs, connections, handlers }: DiscoveredApplication,
  invoker: HubInvoker,
): LossListeners {
  return {
    hubs: new Map(
      hubs.map(({ descriptor }): [string, TellOfLoss] => [
        descriptor.name,
        (lost) => invoker.raise(lost, descriptor, LOST, lost.request),
      ]),
    ),
    paths: new Map<string, TellOfLoss>([
      ...connections.map(({ path, instance }): [string, TellOfLoss] => [
        path,
        ({ request, id }) => instance.onDisconnected(request, id, false),
      ]),
      ...handlers.map(({ path, instance }): [string, TellOfLoss] => [
        path,
        (lost) => instance.onDisconnected(new ConnectionContext(lost)),
      ]),
    ]),
  };
}
