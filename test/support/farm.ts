import type { Type } from '@nestjs/common';
import {
  type Backplane,
  HubContextRegistry,
  type IHubContext,
  MemoryBackplane,
  MemoryBroker,
} from 'nestjs-signalr';

import { type AppOptions, startApp, type TestApp } from './app.js';
import type { FakeClock } from './fake-clock.js';
import { RoundRobin } from './round-robin.js';

/** What the servers of a farm have in common. */
export interface FarmOptions extends AppOptions {
  readonly clock?: FakeClock;
  /** Makes the backplane of each server. */
  readonly backplane?: (broker: MemoryBroker) => Backplane;
}

/** Several servers of one application behind a load balancer without affinity. */
export class Farm {
  private constructor(
    readonly apps: readonly TestApp[],
    readonly broker: MemoryBroker,
    readonly proxy: RoundRobin,
    /** What each server calls itself. */
    readonly nodeIds: readonly string[],
    private readonly clock: FakeClock | undefined,
  ) {}

  static async start(count: number, options: FarmOptions): Promise<Farm> {
    const {
      clock,
      backplane = (shared) => new MemoryBackplane({ broker: shared, ...(clock && { clock }) }),
    } = options;
    const broker = new MemoryBroker({ bufferSize: 1_000, retention: 100_000, maxIdleTopics: 1_000 });
    const nodeIds: string[] = [];
    const apps = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        startApp({
          ...options,
          signalr: {
            secret: 'one secret for the farm',
            backplane: named(backplane(broker), (id) => (nodeIds[index] = id)),
            ...(clock && { clock }),
            ...options.signalr,
          },
        }),
      ),
    );
    return new Farm(apps, broker, await RoundRobin.start(apps.map(({ url }) => url)), nodeIds, clock);
  }

  /** Address of the load balancer. */
  get url(): string {
    return this.proxy.url;
  }

  /** Calls clients from a server. */
  hub<T>(type: Type<T>, server = 0): IHubContext<T> {
    return (this.apps[server] as TestApp).app.get(HubContextRegistry).get(type) as IHubContext<T>;
  }

  /** What all servers have logged. */
  get logged(): readonly string[] {
    return this.apps.flatMap(({ logged }) => logged);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    let isClosed = false;
    const closing = Promise.all(this.apps.map((app) => app.close())).then(() => (isClosed = true));
    // Servers wait a while for clients that may still poll.
    while (this.clock !== undefined && !isClosed) {
      await this.clock.advance(100);
    }
    await closing;
  }
}

/** Tells the id of the node that a backplane is started for. */
function named(backplane: Backplane, tell: (id: string) => void): Backplane {
  const start = backplane.start.bind(backplane);
  backplane.start = (node) => {
    tell(node.id);
    return start(node);
  };
  return backplane;
}
