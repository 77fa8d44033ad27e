import type { Type } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import type { HubMethodMetadata, HubMetadata } from './hub-options.js';

const HUB = 'signalr:hub';
const HUB_METHODS = 'signalr:hub-methods';
const HUB_PIPELINE = 'signalr:hub-pipeline';

/** What `@Hub()` wrote on a class; undefined if the class itself has none (a base class does not make a hub). */
export function readHubMetadata(type: object): HubMetadata | undefined {
  return Reflect.getOwnMetadata(HUB, type) as HubMetadata | undefined;
}

export function writeHubMetadata(type: Type, metadata: HubMetadata): void {
  Reflect.defineMetadata(HUB, metadata, type);
  declared.add(type);
}

const declared = new Set<Type>();

/** Every hub class that has been loaded so far, provided or not: their contexts are injectable. */
export function declaredHubs(): readonly Type[] {
  return [...declared];
}

/** Adds pipeline modules to a hub class, behind those of the classes it derives from. */
export function writePipelineModules(type: Type, modules: readonly unknown[]): void {
  Reflect.defineMetadata(HUB_PIPELINE, [...readPipelineModules(type), ...modules], type);
}

/** The pipeline modules of a hub class: instances and classes, the outermost first. */
export function readPipelineModules(type: Type): readonly unknown[] {
  return (Reflect.getMetadata(HUB_PIPELINE, type) as unknown[] | undefined) ?? [];
}

/** The canonical name of a hub class (signalr-2 §6.8). @throws SignalRError SIGNALR_HUB_NOT_DECORATED */
export function hubName(type: Type): string {
  const metadata = readHubMetadata(type);
  if (metadata === undefined) {
    throw SignalRError.of('SIGNALR_HUB_NOT_DECORATED', type.name);
  }
  return metadata.options.name ?? type.name;
}

/** What `@HubMethod()` wrote on the methods that a prototype itself declares. */
export function readOwnHubMethods(prototype: object): readonly HubMethodMetadata[] {
  return (Reflect.getOwnMetadata(HUB_METHODS, prototype) as HubMethodMetadata[] | undefined) ?? [];
}

export function addHubMethod(prototype: object, metadata: HubMethodMetadata): void {
  Reflect.defineMetadata(HUB_METHODS, [...readOwnHubMethods(prototype), metadata], prototype);
}
