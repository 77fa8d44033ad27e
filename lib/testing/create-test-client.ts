import type { Server } from 'node:http';

import type { INestApplication, Type } from '@nestjs/common';

import { HubCatalog } from '../hubs/hub-catalog.js';
import { SignalRServer } from '../nest/signalr.server.js';
import { ClassicTestClient } from './classic-test-client.js';
import { type ClientSetting, CoreTestClient } from './core-test-client.js';
import { MemoryNetwork } from './memory-network.js';

/** How a test client connects. */
export interface TestClientOptions {
  /** Which family of clients it belongs to. Default: `core`. */
  readonly protocol?: 'core' | 'classic';
  /** What middleware would put on `request.user`. Default: nothing, so that guards and `authenticate` have to find it. */
  readonly user?: unknown;
  /** Headers of its requests, such as `authorization`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parameters of its requests: `context.queryString` in the hub. Default: none. */
  readonly query?: Readonly<Record<string, string>>;
}

/**
 * Connects a client to a hub of an initialised application, which need not listen: HTTP, guards, protocol and hub are the real
 * ones, only the line is memory. Like with the real clients, `onConnected` has run when a classic client is there, and may still
 * be running when a Core client is; the first call waits for it.
 *
 * @param app an application after `init()`.
 * @throws ConnectionRefusedError with the HTTP status if the client is refused; SignalRError SIGNALR_NOT_STARTED before `init()`,
 * SIGNALR_HUB_UNKNOWN for a hub that the application does not provide.
 * @publicApi
 */
export function createTestClient<THub extends object>(
  app: INestApplication,
  hub: Type<THub>,
  options?: TestClientOptions & { readonly protocol?: 'core' },
): Promise<CoreTestClient<THub>>;
export function createTestClient<THub extends object>(
  app: INestApplication,
  hub: Type<THub>,
  options: TestClientOptions & { readonly protocol: 'classic' },
): Promise<ClassicTestClient<THub>>;
export function createTestClient<THub extends object>(
  app: INestApplication,
  hub: Type<THub>,
  options?: TestClientOptions,
): Promise<CoreTestClient<THub> | ClassicTestClient<THub>>;
export async function createTestClient<THub extends object>(
  app: INestApplication,
  hub: Type<THub>,
  { protocol = 'core', user, headers = {}, query = {} }: TestClientOptions = {},
): Promise<CoreTestClient<THub> | ClassicTestClient<THub>> {
  const { basePath } = app.get(SignalRServer, { strict: false });
  await whenReady(app);
  const descriptor = app.get(HubCatalog, { strict: false }).get(hub);
  const setting: ClientSetting = {
    network: new MemoryNetwork(app.getHttpServer() as Server),
    path: protocol === 'core' ? descriptor.path : basePath,
    hub: descriptor.name,
    query: new URLSearchParams(query).toString(),
    headers,
    user,
  };
  return protocol === 'core'
    ? CoreTestClient.connect<THub>(setting)
    : ClassicTestClient.connect<THub>(setting);
}

/** Fastify routes nothing before it is ready. */
async function whenReady(app: INestApplication): Promise<void> {
  const instance = app.getHttpAdapter().getInstance() as { ready?: () => PromiseLike<unknown> };
  await instance.ready?.();
}
