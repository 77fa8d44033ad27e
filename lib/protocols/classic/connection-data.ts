import { SignalRError } from '../../common/errors.js';
import type { HubCatalog } from '../../hubs/hub-catalog.js';
import type { HubDescriptor } from '../../hubs/hub-descriptor.js';
import { BadClassicRequest } from './request.js';

/**
 * The hubs that a client lists: `[{"name":"chathub"}]`, the member's name in any case; nothing at all is fine
 * (signalr-2 §6.2).
 *
 * @throws BadClassicRequest if the list is broken, or names a hub that does not exist or the same hub twice.
 */
export function readConnectionData(text: string, catalog: HubCatalog): HubDescriptor[] {
  const hubs = (text === '' ? [] : parseList(text)).map((entry) => {
    const name = nameOf(entry);
    const hub = catalog.find(name);
    if (hub === undefined) {
      throw new BadClassicRequest(SignalRError.of('SIGNALR_HUB_UNKNOWN', name).message);
    }
    return hub;
  });
  if (new Set(hubs).size < hubs.length) {
    throw new BadClassicRequest('Duplicate Hub names found.');
  }
  return hubs;
}

function parseList(text: string): unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new BadClassicRequest('connectionData is no JSON', { cause: error });
  }
  if (list === null) {
    return [];
  }
  if (!Array.isArray(list)) {
    throw new BadClassicRequest('connectionData is no list');
  }
  return list as unknown[];
}

function nameOf(entry: unknown): string {
  const members = typeof entry === 'object' && entry !== null ? Object.entries(entry) : [];
  const name: unknown = members.find(([member]) => member.toLowerCase() === 'name')?.[1];
  if (typeof name !== 'string' || name === '') {
    throw new BadClassicRequest('an entry of connectionData has no name');
  }
  return name;
}
