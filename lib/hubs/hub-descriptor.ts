import type { Type } from '@nestjs/common';

import { camelCase } from '../common/names.js';
import type { CoreHubOptions } from '../common/core-options.js';

/** A parameter of a hub method that takes an argument of the client. */
export interface HubParameter {
  readonly name: string;
  /** Name of the type that the compiler emitted, for messages to developers. */
  readonly typeName: string;
}

/** One method that clients can call. Overloads share their name and differ in the number of arguments. */
export interface HubMethodDescriptor {
  readonly hub: HubDescriptor;
  /** The name that clients call, as declared; they may spell it in any case. */
  readonly name: string;
  /** True if the name was given to `@HubMethod`, which keeps it untouched in the generated proxy. */
  readonly nameSpecified: boolean;
  /** The member of the class. */
  readonly propertyKey: string;
  /** Parameters that take arguments of the client, in order. */
  readonly parameters: readonly HubParameter[];
  /** Fewest arguments it can be called with. */
  readonly minArguments: number;
  /** Most arguments it can be called with; `Infinity` if the last parameter is a rest parameter. */
  readonly maxArguments: number;
  /** How many streams of the client it takes. */
  readonly streamParameters: number;
  /** Whether it gives a stream; undefined if its declaration does not tell. */
  readonly givesStream: boolean | undefined;
  /** Name of the return type that the compiler emitted. */
  readonly returnTypeName: string;
}

/** A hub of the application, as found at boot. */
export interface HubDescriptor {
  /** Canonical name: as given to `@Hub`, else the class name. */
  readonly name: string;
  readonly nameSpecified: boolean;
  /** Name in the generated proxy and in the default path: `ChatHub` becomes `chatHub`, given names stay. */
  readonly scriptName: string;
  /** Path for Core clients. */
  readonly path: string;
  readonly type: Type;
  /** Options for Core clients, complete; undefined if Core clients are refused. */
  readonly coreOptions: CoreHubOptions | undefined;
  /** Methods by lower-case name, each with its overloads in order of declaration. */
  readonly methods: ReadonlyMap<string, readonly HubMethodDescriptor[]>;
}

/** The name of a hub or method in the generated proxy. */
export function scriptName(name: string, specified: boolean): string {
  return specified ? name : camelCase(name);
}
