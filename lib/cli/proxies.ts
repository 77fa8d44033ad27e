import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, ModulesContainer, NestFactory } from '@nestjs/core';

import { resolveOptions } from '../common/option-defaults.js';
import { HubCatalog } from '../hubs/hub-catalog.js';
import { HubExplorer } from '../nest/hub.explorer.js';
import { ProviderScanner } from '../nest/provider-scanner.js';
import { ProxyScript } from '../protocols/classic/proxy-script.js';

/** What to generate the script from. */
export interface ProxiesRequest {
  /** Compiled file that exports the root module. */
  readonly file: string;
  /** Url of the hubs as clients know it. */
  readonly url: string;
  /** Which export is the root module; undefined if that is clear. */
  readonly moduleName: string | undefined;
}

/** The module that is taken if nothing else is said. */
const ROOT_MODULE = 'AppModule';

/**
 * Generates the script that classic clients get from the server, without starting the application: nothing of it is
 * instantiated, so no database is connected to and no port is opened (signalr-2 §8.4).
 */
export async function generateProxies({ file, url, moduleName }: ProxiesRequest): Promise<string> {
  const root = await loadModule(file, moduleName);
  const app = await NestFactory.createApplicationContext(root, {
    preview: true,
    logger: ['error'],
    abortOnError: false,
  });
  const modules = app.get(ModulesContainer);
  const catalog = new HubCatalog();
  const scanner = new ProviderScanner(new DiscoveryService(modules), modules);
  const options = resolveOptions({});
  new HubExplorer(scanner, catalog, options).explore(options.path);
  const script = new ProxyScript(catalog, {
    enableJavaScriptProxies: true,
    minifyProxy: undefined,
    proxyUrl: undefined,
  });
  return script.render(url);
}

async function loadModule(file: string, name: string | undefined): Promise<Type> {
  const exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  const modules = Object.entries(exported).filter(([, value]) => isModule(value)) as [string, Type][];
  const wanted = name ?? (modules.length === 1 ? modules[0]?.[0] : ROOT_MODULE);
  const found = modules.find(([exportName]) => exportName === wanted);
  if (found === undefined) {
    throw new Error(`${file} exports no module '${wanted}'.`);
  }
  return found[1];
}

function isModule(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    Object.values(MODULE_METADATA).some((key) => Reflect.hasOwnMetadata(key, value))
  );
}
