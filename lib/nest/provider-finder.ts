import { Injectable, type Type } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

/** Finds what an application provides for the library to use. */
@Injectable()
export class ProviderFinder {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly modules: ModulesContainer,
  ) {}

  /** The provider of a token, whichever module it is in. */
  find<T>(token: Type<T> | (abstract new (...args: never[]) => T)): T | undefined {
    const isProvided = [...this.modules.values()].some((module) => module.providers.has(token as Type<T>));
    return isProvided ? this.moduleRef.get<T>(token as Type<T>, { strict: false }) : undefined;
  }

  /** The instances of some classes: those that the application provides, others made with what a module can see. */
  resolve<T extends object>(given: readonly (T | Type<T>)[], importer: ModuleRef): Promise<T[]> {
    return Promise.all(
      given.map(async (one) =>
        typeof one === 'function' ? (this.find<T>(one) ?? importer.create(one)) : one,
      ),
    );
  }
}
