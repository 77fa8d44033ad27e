import type { Type } from '@nestjs/common';
import { type IHubContext, HubContextRegistry, MemoryBackplane, MemoryBroker } from 'nestjs-signalr';

import { type AppOptions, startApp, type TestApp } from './app.js';
import type { FakeClock } from './fake-clock.js';
import { RoundRobin } from './round-robin.js';

/** Several servers of one application behind a load balancer without affinity. */
export class Farm {
  private constructor(
    readonly apps: readonly TestApp[],
    readonly broker: MemoryBroker,
    readonly proxy: RoundRobin,
  ) {}

  static async start(
    count: number,
    options: AppOptions & { readonly clock?: FakeClock },
    perNode: (index: number) => Partial<AppOptions> = () => ({}),
  ): Promise<Farm> {
    const { clock } = options;
    const broker = new MemoryBroker({ bufferSize: 1_000, retention: 100_000, maxIdleTopics: 1_000 });
    const apps = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        startApp({
          ...options,
          ...perNode(index),
          signalr: {
            secret: 'one secret for the farm',
            backplane: new MemoryBackplane({ broker, ...(clock && { clock }) }),
            ...(clock && { clock }),
            ...options.signalr,
            ...perNode(index).signalr,
          },
        }),
      ),
    );
    return new Farm(apps, broker, await RoundRobin.start(apps.map(({ url }) => url)));
  }

  /** Address of the load balancer. */
  get url(): string {
    return this.proxy.url;
  }

  /** Calls clients from a server. */
  hub<T>(type: Type<T>, server = 0): IHubContext<T> {
    return (this.apps[server] as TestApp).app.get(HubContextRegistry).get(type) as IHubContext<T>;
  }

  /** How many connections each server has, as the directory says. */
  get logged(): readonly string[] {
    return this.apps.flatMap(({ logged }) => logged);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await Promise.all(this.apps.map((app) => app.close()));
  }
}
