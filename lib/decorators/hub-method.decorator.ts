import { addHubMethod } from '../hubs/hub.metadata.js';

/**
 * Lets clients call a method of a hub. Methods without it are out of their reach. Several methods may have the same
 * name if they take different numbers of arguments.
 *
 * @param name the name that clients use, in any case. Default: the name of the method.
 * @publicApi
 */
export function HubMethod(name?: string): MethodDecorator {
  return (prototype, propertyKey) => {
    addHubMethod(prototype, { propertyKey: String(propertyKey), name });
  };
}
