import { Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  type ContextIdStrategy,
  createContextId,
  type HostComponentInfo,
} from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { createTestClient } from 'nestjs-signalr/testing';

import { platforms, startApp, type TestApp } from '../../support/app.js';

let tenantsMade = 0;

/** What belongs to a tenant: made once for each, whatever the number of calls. */
@Injectable({ scope: Scope.REQUEST, durable: true })
class TenantData {
  readonly number = ++tenantsMade;
}

@Injectable()
class Greeter {
  greet(name: string): string {
    return `hello ${name}`;
  }
}

/** Has what its hubs share, and what they inject. */
abstract class GreetingHub extends SignalRHub {
  @Inject(Greeter)
  protected readonly greeter!: Greeter;

  @HubMethod()
  greet(name: string): string {
    return this.greeter.greet(name);
  }

  @HubMethod('find')
  findAll(): string {
    return 'all';
  }

  @HubMethod('find')
  findOne(id: number): string {
    return `one ${id}`;
  }
}

@Hub('loud')
class LoudHub extends GreetingHub {
  override greet(name: string): string {
    return super.greet(name).toUpperCase();
  }
}

@Hub('tenants')
class TenantHub extends GreetingHub {
  constructor(private readonly data: TenantData) {
    super();
  }

  @HubMethod()
  tenant(): number {
    return this.data.number;
  }
}

const tenants = new Map<unknown, ReturnType<typeof createContextId>>();

/** One tree of durable providers for each tenant, as the Nest guide has it. */
const perTenant: ContextIdStrategy<{ headers: Record<string, unknown> }> = {
  attach(contextId, request) {
    const tenant = request.headers['x-tenant'];
    const tree = tenants.get(tenant) ?? createContextId();
    tenants.set(tenant, tree);
    return (info: HostComponentInfo) => (info.isTreeDurable ? tree : contextId);
  },
};

describe.each(platforms)('scopes of hubs on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    tenants.clear();
    tenantsMade = 0;
    ContextIdFactory.apply(perTenant);
    app = await startApp({ platform, hubs: [LoudHub, TenantHub], providers: [TenantData, Greeter] });
  });

  afterAll(async () => {
    ContextIdFactory.apply({ attach: (contextId) => () => contextId });
    await app.close();
    expect(app.logged).toEqual([]);
  });

  test.each(['core', 'classic'] as const)(
    'durable providers are made once for each tenant: %s',
    async (protocol) => {
      const connect = (tenant: string): ReturnType<typeof createTestClient<TenantHub>> =>
        createTestClient(app.app, TenantHub, {
          protocol,
          headers: { 'x-tenant': `${tenant} ${protocol}` },
        } as never);
      const [ann, bob, other] = [await connect('one'), await connect('one'), await connect('two')];
      const first = await ann.invoke('tenant');
      expect([await ann.invoke('tenant'), await bob.invoke('tenant')]).toEqual([first, first]);
      expect(await other.invoke('tenant')).not.toBe(first);
      await Promise.all([ann, bob, other].map((client) => client.close()));
    },
  );

  test.each(['core', 'classic'] as const)(
    'base hubs have methods, overloads and injected properties: %s',
    async (protocol) => {
      const client = await createTestClient(app.app, LoudHub, { protocol } as never);
      expect(await client.invoke('greet', 'ann')).toBe('HELLO ANN');
      expect(await client.invoke<string>('find')).toBe('all');
      expect(await client.invoke<string>('find', 7)).toBe('one 7');
      await client.close();
      const tenant = await createTestClient(app.app, TenantHub, { protocol } as never);
      expect(await tenant.invoke('greet', 'bob')).toBe('hello bob');
      await tenant.close();
    },
  );
});
