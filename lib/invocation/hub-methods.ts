import { ReadableStream } from 'node:stream/web';

import type { Type } from '@nestjs/common';
import { Observable } from 'rxjs';

import { SignalRError } from '../common/errors.js';
import type { HubDescriptor, HubMethodDescriptor } from '../hubs/hub-descriptor.js';
import { readOwnHubMethods } from '../hubs/hub.metadata.js';
import type { HubMethodMetadata } from '../hubs/hub-options.js';
import { SignalRHub } from '../hubs/signalr-hub.js';
import { type PlannedParameter, planParameters } from './parameter-plan.js';

/** Reads the methods that clients can call off a hub class and its base classes. @throws SignalRError for methods that cannot work */
export function describeHubMethods(hub: HubDescriptor): Map<string, HubMethodDescriptor[]> {
  const methods = new Map<string, HubMethodDescriptor[]>();
  for (const metadata of hubMethodsOf(hub.type)) {
    if (metadata.propertyKey in SignalRHub.prototype) {
      throw SignalRError.of('SIGNALR_METHOD_RESERVED', hub.name, metadata.propertyKey);
    }
    const method = describe(hub, metadata);
    const key = method.name.toLowerCase();
    const overloads = methods.get(key) ?? [];
    const rival = overloads.find((other) => overlap(method, other));
    if (rival !== undefined) {
      const count = Math.max(rival.minArguments, method.minArguments);
      throw SignalRError.of('SIGNALR_METHODS_AMBIGUOUS', hub.name, method.name, `${count} argument(s)`);
    }
    methods.set(key, [...overloads, method]);
  }
  return methods;
}

/** Base classes first; a method that a derived class overrides keeps the name it was given last. */
function hubMethodsOf(type: Type): HubMethodMetadata[] {
  const byProperty = new Map<string, HubMethodMetadata>();
  for (const prototype of prototypesOf(type)) {
    for (const metadata of readOwnHubMethods(prototype)) {
      byProperty.set(metadata.propertyKey, metadata);
    }
  }
  return [...byProperty.values()];
}

function prototypesOf(type: Type): object[] {
  const chain: object[] = [];
  let prototype = type.prototype as object | null;
  while (prototype !== null && prototype !== SignalRHub.prototype && prototype !== Object.prototype) {
    chain.unshift(prototype);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return chain;
}

function describe(hub: HubDescriptor, { propertyKey, name }: HubMethodMetadata): HubMethodDescriptor {
  const planned = planParameters(hub.type, propertyKey);
  const parameters = planned.filter(({ source }) => source.from === 'client');
  const takesRest = parameters.at(-1)?.isRest === true;
  const returnType: unknown = Reflect.getMetadata(
    'design:returntype',
    hub.type.prototype as object,
    propertyKey,
  );
  return {
    hub,
    name: name ?? propertyKey,
    nameSpecified: name !== undefined,
    propertyKey,
    parameters,
    minArguments: requiredCount(parameters),
    maxArguments: takesRest ? Infinity : parameters.length,
    streamParameters: planned.filter(({ source }) => source.from === 'stream').length,
    givesStream: givesStream(hub.type, propertyKey, returnType),
    returnTypeName: typeof returnType === 'function' ? returnType.name : 'Object',
  };
}

const AsyncGeneratorFunction = Object.getPrototypeOf(async function* () {}) as object;
const STREAM_TYPES: ReadonlySet<unknown> = new Set([Observable, ReadableStream]);
const VALUE_TYPES: ReadonlySet<unknown> = new Set([String, Number, Boolean, Array, Date]);

/** What the declaration says of the result; nothing where it may be a promise or any object. */
function givesStream(type: Type, propertyKey: string, returnType: unknown): boolean | undefined {
  const method = (type.prototype as Record<string, unknown>)[propertyKey];
  if (method instanceof Function && AsyncGeneratorFunction.isPrototypeOf(method)) {
    return true;
  }
  return STREAM_TYPES.has(returnType) ? true : VALUE_TYPES.has(returnType) ? false : undefined;
}

/** Parameters up to the last one that has no default. */
function requiredCount(parameters: readonly PlannedParameter[]): number {
  return parameters.findLastIndex(({ isOptional, isRest }) => !isOptional && !isRest) + 1;
}

function overlap(first: HubMethodDescriptor, second: HubMethodDescriptor): boolean {
  return first.minArguments <= second.maxArguments && second.minArguments <= first.maxArguments;
}
