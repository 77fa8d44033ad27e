import { Injectable, type Type } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import { path as pathRule } from '../common/option-rules.js';
import { ProviderScanner, type ScannedProvider } from './provider-scanner.js';
import type { TakenPath } from './taken-paths.js';

/** A kind of class that clients find at a path of its own, without being a hub. */
export interface ServedKind<T extends object> {
  /** The decorator that says so, without its `@`. */
  readonly decorator: string;
  /** What such a class extends. */
  readonly base: abstract new () => T;
  /** The path that the decorator was given; undefined if the class does not have it. */
  readonly pathOf: (type: Type) => string | undefined;
}

/** A class of such a kind, as found among the providers of the application. */
export interface ServedClass<T extends object> {
  readonly type: Type;
  /** Where clients find it, with the global prefix if that is used. */
  readonly path: string;
  readonly instance: T;
  /** Key of the module that provides it. */
  readonly moduleKey: string;
}

/** Finds classes that are served at paths of their own, and checks that they can work. */
@Injectable()
export class ServedClassExplorer {
  constructor(private readonly scanner: ProviderScanner) {}

  /**
   * @param prefix what stands before all paths.
   * @param take takes the paths that a class needs, and gives the one that is in use already.
   * @throws SignalRError with one clear message for the first thing that cannot work.
   */
  explore<T extends object>(
    kind: ServedKind<T>,
    prefix: string,
    take: (path: string, owner: string) => TakenPath | undefined,
  ): ServedClass<T>[] {
    const found: ServedClass<T>[] = [];
    for (const provider of this.scanner.scan()) {
      const path = kind.pathOf(provider.type);
      if (path === undefined) {
        continue;
      }
      const { name } = provider.type;
      const served = this.describe(kind, provider, path, prefix);
      const taken = take(served.path, name);
      if (taken !== undefined) {
        const complaint = `'${taken.path}' is used by ${taken.owner}.`;
        throw SignalRError.of('SIGNALR_CONNECTION_PATH', kind.decorator, name, path, complaint);
      }
      found.push(served);
    }
    return found;
  }

  private describe<T extends object>(
    { decorator, base }: ServedKind<T>,
    { type, wrapper, moduleKey }: ScannedProvider,
    path: string,
    prefix: string,
  ): ServedClass<T> {
    const complaint = pathRule(path);
    if (complaint !== undefined) {
      throw SignalRError.of('SIGNALR_CONNECTION_PATH', decorator, type.name, path, complaint);
    }
    if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
      throw SignalRError.of('SIGNALR_CONNECTION_SCOPED', type.name);
    }
    const instance: unknown = wrapper.instance;
    if (!(instance instanceof base)) {
      throw SignalRError.of('SIGNALR_CONNECTION_TYPE', type.name, decorator, base.name);
    }
    return { type, path: prefix + path, instance, moduleKey };
  }
}
