import type { PipeTransform, Type } from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { getParamsHost } from '@nestjs/core/helpers/class-ref-registry.js';

import { parameterList } from './parameter-list.js';
import { clientStream, type HubStreamOptions, type StreamForm, streamForm } from './stream-parameter.js';

/** Where the value of a parameter comes from. */
export type ParameterSource =
  /** The next argument of the client. */
  | { readonly from: 'client'; readonly argument: number }
  /** The next stream of the client. */
  | { readonly from: 'stream'; readonly index: number; readonly form: StreamForm }
  /** `@ConnectedSocket()`, for people who come from gateways: who calls. */
  | { readonly from: 'caller' }
  /** A decorator made with `createParamDecorator`. */
  | { readonly from: 'decorator'; readonly factory: (data: unknown, context: unknown) => unknown };

/** One parameter of a hub method and how it gets its value. */
export interface PlannedParameter {
  readonly source: ParameterSource;
  readonly name: string;
  /** The emitted type; Object where it is none that can be relied on. */
  readonly metatype: Type;
  readonly typeName: string;
  readonly isOptional: boolean;
  readonly isRest: boolean;
  /** What was given to the decorator. */
  readonly data: unknown;
  /** A Standard Schema given to the decorator, handed on to pipes. */
  readonly schema: unknown;
  /** Pipes given to the decorator, as classes or instances. */
  readonly pipes: readonly (Type<PipeTransform> | PipeTransform)[];
}

/** What parameter decorators of Nest store for each decorated parameter. */
interface DecoratedParameter {
  readonly index: number;
  readonly data?: unknown;
  readonly schema?: unknown;
  readonly factory?: (data: unknown, context: unknown) => unknown;
  readonly pipes?: readonly (Type<PipeTransform> | PipeTransform)[];
}

/** `@ConnectedSocket()` of `@nestjs/websockets` is stored under this number. */
const CONNECTED_SOCKET = '0';

/** Plans the parameters of a method: those without decorator take the arguments of the client in order. */
export function planParameters(type: Type, propertyKey: string): PlannedParameter[] {
  const prototype = type.prototype as Record<string, (...args: never[]) => unknown>;
  const declared = parameterList(prototype[propertyKey] as (...args: never[]) => unknown);
  const types = (Reflect.getMetadata(PARAMTYPES_METADATA, prototype, propertyKey) ?? []) as unknown[];
  const decorated = readDecorated(type, propertyKey);
  let argument = 0;
  let stream = 0;
  return Array.from({ length: Math.max(declared.length, types.length) }, (_, index) => {
    const written = declared[index];
    const own = decorated.get(index);
    const emitted = types[index];
    const metatype = (typeof emitted === 'function' ? emitted : Object) as Type;
    const form = own?.isStream === true ? (streamForm(emitted) ?? 'iterable') : streamForm(emitted);
    const isStream = form !== undefined && own?.source === undefined;
    return {
      source: isStream
        ? { from: 'stream', index: stream++, form }
        : (own?.source ?? { from: 'client', argument: argument++ }),
      name: written?.name ?? `arg${index + 1}`,
      // What pipes get of a stream are its items.
      metatype: isStream ? ((own?.parameter.data as HubStreamOptions | undefined)?.item ?? Object) : metatype,
      typeName: metatype.name,
      isOptional: written?.hasDefault ?? false,
      isRest: written?.isRest ?? false,
      data: own?.parameter.data,
      schema: own?.parameter.schema,
      pipes: own?.parameter.pipes ?? [],
    };
  });
}

interface Decorated {
  readonly parameter: DecoratedParameter;
  readonly source: ParameterSource | undefined;
  readonly isStream: boolean;
}

function readDecorated(type: Type, propertyKey: string): Map<number, Decorated> {
  const host = getParamsHost(type, propertyKey);
  const stored = (Reflect.getMetadata(ROUTE_ARGS_METADATA, host, propertyKey) ?? {}) as Record<
    string,
    DecoratedParameter
  >;
  return new Map(
    Object.entries(stored).map(([key, parameter]) => [
      parameter.index,
      { parameter, source: sourceOf(key, parameter), isStream: parameter.factory === clientStream },
    ]),
  );
}

/** Undefined for decorators that only add pipes or a property name to an argument of the client (`@MessageBody()`). */
function sourceOf(storedKey: string, { factory }: DecoratedParameter): ParameterSource | undefined {
  if (factory === clientStream) {
    return undefined;
  }
  if (storedKey.includes(CUSTOM_ROUTE_ARGS_METADATA)) {
    return { from: 'decorator', factory: factory ?? (() => null) };
  }
  return storedKey.startsWith(`${CONNECTED_SOCKET}:`) ? { from: 'caller' } : undefined;
}
