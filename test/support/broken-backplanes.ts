import {
  type Backplane,
  type BackplaneHealth,
  type BackplaneNode,
  type ConnectionDirectory,
  type ConnectionEntry,
  MemoryBackplane,
  type MemoryBackplaneOptions,
  MemoryBroker,
  type MemoryLogOptions,
  type Message,
  type Replay,
  type ReplayTopic,
} from 'nestjs-signalr';
import { type CreateBackplanes, FaultyBackplane } from 'nestjs-signalr/testing';

import { MemoryDirectory } from '../../lib/messaging/memory-directory.js';

const LIMITS: MemoryLogOptions = { bufferSize: 100, retention: 60_000, maxIdleTopics: 10 };

/** Farms of backplanes that share a log in memory. */
export function farmsOf(
  make: (options: MemoryBackplaneOptions) => Backplane,
  limits: Partial<MemoryLogOptions> = {},
): CreateBackplanes {
  return (count) => {
    const broker = new MemoryBroker({ ...LIMITS, ...limits });
    return Array.from({ length: count }, () => make({ broker }));
  };
}

/** Changes what reaches a node. */
function hearing(node: BackplaneNode, changed: Partial<BackplaneNode>): BackplaneNode {
  return {
    id: node.id,
    deliver: (envelope) => node.deliver(envelope),
    hear: (note, from) => node.hear(note, from),
    execute: (command) => node.execute(command),
    ...changed,
  };
}

class Losing extends MemoryBackplane {
  private count = 0;

  override publish(topic: string, message: Message): void {
    if (++this.count % 10 !== 0) {
      super.publish(topic, message);
    }
  }
}

class Repeating extends MemoryBackplane {
  override start(node: BackplaneNode): void {
    super.start(
      hearing(node, {
        deliver: (envelope) => {
          node.deliver(envelope);
          node.deliver(envelope);
        },
      }),
    );
  }
}

class Overtaking extends MemoryBackplane {
  override start(node: BackplaneNode): void {
    super.start(
      hearing(node, {
        deliver: (envelope) => {
          if (envelope.topic === 'b') {
            node.deliver(envelope);
          } else {
            setImmediate(() => node.deliver(envelope));
          }
        },
      }),
    );
  }
}

class Clinging extends MemoryBackplane {
  override unsubscribe(): void {}
}

class Indiscreet extends MemoryBackplane {
  override publish(topic: string, message: Message): void {
    super.publish(topic, { ...message, excluded: undefined } as Message);
  }
}

class Forgetful extends MemoryBackplane {
  override replay(): Replay {
    return { envelopes: [], known: true, complete: true };
  }
}

class Assuring extends MemoryBackplane {
  override replay(topics: readonly ReplayTopic[], after: string): Replay {
    return { ...super.replay(topics, after), complete: true };
  }
}

class Generous extends MemoryBackplane {
  override replay(topics: readonly ReplayTopic[], after: string): Replay {
    return super.replay(
      topics.map(({ topic }) => ({ topic })),
      after,
    );
  }
}

class TopicByTopic extends MemoryBackplane {
  override replay(topics: readonly ReplayTopic[], after: string): Replay {
    const replays = topics.map((topic) => super.replay([topic], after));
    return { envelopes: replays.flatMap(({ envelopes }) => envelopes), known: true, complete: true };
  }
}

class Careless extends MemoryBackplane {
  override command(): Promise<true> {
    return Promise.resolve(true);
  }
}

class Silent extends MemoryBackplane {
  override command(): Promise<never> {
    return new Promise(() => undefined);
  }
}

class Boasting extends MemoryBackplane {
  override tell(): boolean {
    return true;
  }
}

class Ailing extends MemoryBackplane {
  override health(): BackplaneHealth {
    return { status: 'degraded' };
  }
}

class Solitary extends MemoryBackplane {
  private readonly own = new MemoryDirectory();

  override get directory(): ConnectionDirectory {
    return this.own;
  }
}

class Lingering extends FaultyBackplane {
  override async stop(): Promise<void> {
    const { directory } = this;
    const entries = await directory.list({});
    await super.stop();
    for (const entry of entries) {
      await directory.add(entry);
    }
  }
}

/** Has a directory of which one thing is wrong. */
class Misfiling extends MemoryBackplane {
  constructor(
    options: MemoryBackplaneOptions,
    private readonly wrong: (directory: ConnectionDirectory) => Partial<ConnectionDirectory>,
  ) {
    super(options);
  }

  override get directory(): ConnectionDirectory {
    const directory = super.directory;
    return Object.assign(Object.create(directory) as ConnectionDirectory, this.wrong(directory));
  }
}

const misfiling = (wrong: (directory: ConnectionDirectory) => Partial<ConnectionDirectory>) =>
  farmsOf((options) => new Misfiling(options, wrong));

/** Backplanes that each do one thing wrong. */
export const brokenBackplanes = {
  'is deaf': farmsOf((options) => {
    const backplane = new FaultyBackplane(new MemoryBackplane(options));
    backplane.deaf = true;
    return backplane;
  }),
  'loses every tenth message': farmsOf((options) => new Losing(options)),
  'delivers twice': farmsOf((options) => new Repeating(options)),
  'lets topics overtake each other': farmsOf((options) => new Overtaking(options)),
  'does not unsubscribe': farmsOf((options) => new Clinging(options)),
  'forgets who is excluded': farmsOf((options) => new Indiscreet(options)),
  'replays nothing': farmsOf((options) => new Forgetful(options)),
  'calls every replay complete': farmsOf((options) => new Assuring(options)),
  'replays what was said before joining': farmsOf((options) => new Generous(options)),
  'replays topic by topic': farmsOf((options) => new TopicByTopic(options)),
  'keeps only what somebody is subscribed to': farmsOf((options) => new MemoryBackplane(options), {
    maxIdleTopics: 0,
  }),
  'acknowledges what nobody has done': farmsOf((options) => new Careless(options)),
  'never acknowledges': farmsOf((options) => new Silent(options)),
  'knows every node and tells none': farmsOf((options) => new Boasting(options)),
  'is never up': farmsOf((options) => new Ailing(options)),
  'has a directory for each node': farmsOf((options) => new Solitary(options)),
  'lets everybody have a connection': misfiling(() => ({ claim: (entry) => entry })),
  'leaves its connections behind': farmsOf((options) => new Lingering(new MemoryBackplane(options))),
  'counts routes': misfiling((directory) => ({
    add: (entry) => directory.add({ ...entry, isRouteOnly: undefined } as unknown as ConnectionEntry),
  })),
  'forgets what a connection belongs to': misfiling((directory) => ({
    add: ({ path: _path, ...entry }) => directory.add(entry),
  })),
  'loses groups when a connection changes': misfiling((directory) => ({
    add: (entry) => {
      void directory.remove(entry.connectionId);
      return directory.add(entry);
    },
  })),
  'does not let users go': misfiling(() => ({ removeUserGroup: () => undefined })),
  'goes on telling who comes': misfiling((directory) => ({
    watch: (listener) => {
      directory.watch(listener);
      return () => undefined;
    },
  })),
} satisfies Record<string, CreateBackplanes>;
