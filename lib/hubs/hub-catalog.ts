import type { Type } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import type { HubDescriptor } from './hub-descriptor.js';

/** All hubs of the application. Filled once at boot. */
export class HubCatalog implements Iterable<HubDescriptor> {
  private readonly byLowerName = new Map<string, HubDescriptor>();
  private readonly byType = new Map<Type, HubDescriptor>();

  /** @throws SignalRError SIGNALR_HUB_NAME_TAKEN if another hub has the name in any case. */
  add(hub: HubDescriptor): void {
    const key = hub.name.toLowerCase();
    const other = this.byLowerName.get(key);
    if (other !== undefined) {
      throw SignalRError.of('SIGNALR_HUB_NAME_TAKEN', other.type.name, hub.type.name, hub.name);
    }
    this.byLowerName.set(key, hub);
    this.byType.set(hub.type, hub);
  }

  /** The hub of a name in any case. */
  find(name: string): HubDescriptor | undefined {
    return this.byLowerName.get(name.toLowerCase());
  }

  /** The hub of a class or name. @throws SignalRError SIGNALR_HUB_UNKNOWN */
  get(hub: Type | string): HubDescriptor {
    const found = typeof hub === 'string' ? this.find(hub) : this.byType.get(hub);
    if (found === undefined) {
      throw SignalRError.of('SIGNALR_HUB_UNKNOWN', typeof hub === 'string' ? hub : hub.name);
    }
    return found;
  }

  [Symbol.iterator](): IterableIterator<HubDescriptor> {
    return this.byLowerName.values();
  }
}
