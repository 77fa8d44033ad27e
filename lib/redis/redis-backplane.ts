import { SignalRError, toError } from '../common/errors.js';
import { traceSource } from '../common/trace.js';
import type {
  Acknowledgement,
  Backplane,
  BackplaneHealth,
  BackplaneNode,
  Replay,
  ReplayTopic,
} from '../messaging/backplane.js';
import type { Message } from '../messaging/envelope.js';
import type { NodeCommand } from '../messaging/node-command.js';
import type { NodeNote } from '../messaging/node-note.js';
import type { Topic } from '../messaging/topics.js';
import { Line } from './line.js';
import { LogPosition } from './log-position.js';
import { TERM } from './log-scripts.js';
import type { MessageLog } from './message-log.js';
import { NodeLease } from './node-lease.js';
import { NodeMail } from './node-mail.js';
import { PubSubLog } from './pubsub-log.js';
import { randomName } from './random-name.js';
import { Reaper } from './reaper.js';
import { RedisAccess } from './redis-access.js';
import {
  type RedisBackplaneOptions,
  type RedisBackplaneSettings,
  resolveRedisOptions,
} from './redis-backplane.options.js';
import { type RedisSource, redisSource } from './redis-clients.js';
import { type CommandConnection, type SubscriberConnection, WrongServerError } from './redis-connections.js';
import { RedisDirectory } from './redis-directory.js';
import { RedisKeys } from './redis-keys.js';
import { StreamLog } from './stream-log.js';
import { Subscriptions } from './subscriptions.js';
import { WireReports } from './wire-reports.js';

/** How long, in milliseconds, a node that stops waits for its last messages to be accepted. */
const STOP_GRACE = 2_000;

/** How many terms Redis remembers. Who knows only an older one has been away for so long that nothing can be made up. */
const MAXIMUM_TERMS = 1_000;

/** What there is from the start of the backplane to its end. */
interface Running {
  readonly node: BackplaneNode;
  readonly log: MessageLog;
  readonly lease: NodeLease;
  readonly mail: NodeMail;
}

/**
 * Carries messages between the nodes of an application over Redis 7 or later; `docs/scale-out.md` tells what it promises.
 * Made by {@link redisBackplane}.
 *
 * @publicApi
 */
export class RedisBackplane implements Backplane {
  readonly name = 'redis';
  readonly promisesPast: boolean;
  readonly directory: RedisDirectory;
  private readonly trace = traceSource('SignalR.MessageBus');
  private readonly settings: RedisBackplaneSettings;
  private readonly keys: RedisKeys;
  private readonly redis: RedisAccess;
  private readonly commands: Line<CommandConnection>;
  private readonly subscriber: Line<SubscriberConnection>;
  private readonly subscriptions: Subscriptions;
  private readonly reports = new WireReports((reason) => this.running?.node.skipped?.(reason));
  private running: Running | undefined;

  /** @throws SignalRError SIGNALR_OPTION_UNKNOWN, SIGNALR_OPTION_INVALID */
  constructor(options: RedisBackplaneOptions = {}) {
    this.settings = resolveRedisOptions(options);
    this.promisesPast = this.settings.mode === 'streams';
    const { url, client, keyPrefix, clock } = this.settings;
    const source = redisSource(url, client);
    this.keys = new RedisKeys(keyPrefix);
    this.commands = new Line('command', () => this.openCommands(source), clock);
    this.subscriber = new Line('subscriber', () => source.openSubscriber(this.keys.epoch), clock);
    this.redis = new RedisAccess(this.keys, this.commands, source.publishCommand);
    this.subscriptions = new Subscriptions(this.subscriber, {
      subscribed: (channels) => this.subscribed(channels),
      restored: () => this.restored(),
    });
    this.directory = new RedisDirectory(
      this.redis,
      this.reports,
      (isWatched) => this.watch(isWatched),
      () => this.running?.node.userGroupsBack?.(),
      (connectionId, nodeId) => this.running?.node.taken?.(connectionId, nodeId),
    );
  }

  /** @throws SignalRError SIGNALR_BACKPLANE_DOWN if Redis cannot be reached in time */
  async start(node: BackplaneNode): Promise<void> {
    this.directory.nodeId = node.id;
    const running = this.assemble(node);
    this.running = running;
    this.commands.onUp(() => this.commandsUp(running));
    this.commands.onDown((error) => this.commandsDown(running, error));
    this.subscriber.onUp(() => this.subscriberUp());
    this.subscriber.onDown(() => this.subscriberDown(running));
    try {
      await this.inTime(this.connect(running));
    } catch (error) {
      this.running = undefined;
      this.close();
      throw SignalRError.because(error, 'SIGNALR_BACKPLANE_DOWN', this.name);
    }
    running.lease.start();
  }

  async stop(): Promise<void> {
    const { running } = this;
    if (running === undefined) {
      return;
    }
    const { log, lease, mail } = running;
    try {
      await this.inTime(log.publisher.whenIdle(), STOP_GRACE);
      await this.inTime(lease.leave(), STOP_GRACE);
    } catch (error) {
      this.trace.warn(`left without a goodbye to Redis: ${toError(error).message}`);
    }
    this.running = undefined;
    log.publisher.stop();
    mail.stop();
    this.close();
  }

  publish(topic: Topic, message: Message): void | Promise<void> {
    if (this.trace.isVerbose) {
      this.trace.verbose(`published to ${topic}`);
    }
    return this.require().log.publish(topic, message);
  }

  subscribe(topic: Topic): void | Promise<void> {
    if (this.trace.isVerbose) {
      this.trace.verbose(`subscribed to ${topic}`);
    }
    this.require().log.open(topic);
    return this.subscriptions.add(this.keys.channel(topic));
  }

  unsubscribe(topic: Topic): void {
    this.running?.log.close(topic);
    this.subscriptions.remove(this.keys.channel(topic));
  }

  joinedAt(topic: Topic, tail: string): string {
    return this.require().log.joinedAt(topic, tail);
  }

  tail(): string {
    return this.require().log.tail();
  }

  replay(topics: readonly ReplayTopic[], after: string): Replay | Promise<Replay> {
    return this.require().log.replay(topics, after);
  }

  command(command: NodeCommand, timeout: number): Promise<Acknowledgement> {
    return this.require().mail.command(command, timeout);
  }

  tell(nodeId: string, note: NodeNote): Promise<boolean> {
    return this.require().mail.tell(nodeId, note);
  }

  health(): BackplaneHealth {
    if (this.running === undefined) {
      return { status: 'down', detail: 'not started' };
    }
    const { publisher, isBehind } = this.running.log;
    const failure = this.commands.failure ?? this.subscriber.failure;
    const isLate = failure === undefined && (isBehind || !this.subscriptions.isReady);
    const details = [
      ...(failure === undefined ? [] : [`no connection to Redis: ${failure.message}`]),
      ...(isLate ? ['what was missed is being made up'] : []),
      ...(publisher.isStuck ? [`${publisher.size} message(s) wait`] : []),
    ];
    if (details.length === 0) {
      return { status: 'up' };
    }
    return { status: publisher.isRefusing ? 'down' : 'degraded', detail: details.join('; ') };
  }

  private require(): Running {
    if (this.running === undefined) {
      throw SignalRError.of('SIGNALR_NOT_STARTED');
    }
    return this.running;
  }

  private assemble(node: BackplaneNode): Running {
    const { redis, reports, settings, directory } = this;
    const { clock } = settings;
    const position = new LogPosition(randomName());
    const reaper = new Reaper(node, redis, directory);
    const lease = new NodeLease(
      node.id,
      settings.leaseDuration,
      position,
      redis,
      {
        alive: () => void directory.restore(),
        silent: () => this.commands.renew('Redis does not answer.'),
        deaf: () => this.subscriber.renew('Nothing arrives that Redis publishes.'),
        lapsed: (nodeIds) => void reaper.reap(nodeIds),
      },
      clock,
    );
    const services = {
      position,
      tag: position.tag,
      node,
      redis,
      reports,
      clock,
      isListening: () => this.subscriber.current !== undefined,
      sync: () => lease.sync(),
      begunAnew: () => {
        directory.lost();
        void directory.restore();
      },
    };
    const log =
      settings.mode === 'streams' ? new StreamLog(settings, services) : new PubSubLog(settings, services);
    const mail = new NodeMail(
      node,
      redis,
      directory,
      reports,
      clock,
      (mark) => {
        lease.heard();
        log.marked(mark);
      },
      (connectionId) => void directory.verify(connectionId),
    );
    return { node, log, lease, mail };
  }

  /** Only a server that takes our writes is of use, and everything that is written from now on belongs to another term. */
  private async openCommands(source: RedisSource): Promise<CommandConnection> {
    const { keys } = this;
    const connection = await source.openCommands(keys.epoch);
    try {
      const begun = TERM.run(
        connection,
        [keys.epoch, keys.sequence, keys.terms, keys.directory],
        [randomName(), MAXIMUM_TERMS],
      );
      await this.inTime(begun);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  private async connect({ node, lease }: Running): Promise<void> {
    await this.commands.open();
    await this.subscriber.open();
    await this.subscriptions.add(this.keys.nodeChannel(node.id));
    await lease.sync();
  }

  private commandsUp({ log, lease }: Running): void {
    lease.lineUp();
    log.publisher.lineUp();
    void this.directory.restore();
  }

  private commandsDown({ log }: Running, error: Error): void {
    log.publisher.lineDown();
    this.directory.lost();
    // What is published elsewhere may come late to a server that was demoted, or not at all.
    if (error instanceof WrongServerError) {
      this.subscriber.renew('Redis is another server now.');
    }
  }

  private subscriberUp(): void {
    const connection = this.subscriber.current;
    if (connection !== undefined) {
      connection.onMessage = (channel, payload) => this.receive(channel, payload);
      void this.subscriptions.restore(connection);
    }
  }

  private subscriberDown({ log }: Running): void {
    this.subscriptions.lost();
    log.subscriptionsLost();
  }

  /**
   * What was published in between did not arrive. Messages are in the log, who has which connection is in the directory; what
   * nodes have told each other is nowhere.
   */
  private restored(): void {
    void this.running?.log.subscriptionsBack();
    this.directory.lost();
    void this.directory.restore();
    this.running?.node.missed?.();
  }

  private receive(channel: string, payload: string): void {
    const topic = this.keys.topicOf(channel);
    if (topic !== undefined) {
      this.running?.log.receive(topic, payload);
    } else if (channel === this.keys.presenceChannel) {
      this.directory.receive(payload);
    } else {
      this.running?.mail.receive(payload);
    }
  }

  private async subscribed(channels: readonly string[]): Promise<void> {
    const topics = channels
      .map((channel) => this.keys.topicOf(channel))
      .filter((topic) => topic !== undefined);
    await this.running?.log.opened(topics);
  }

  private watch(isWatched: boolean): void {
    if (isWatched) {
      void this.subscriptions.add(this.keys.presenceChannel);
    } else {
      this.subscriptions.remove(this.keys.presenceChannel);
    }
  }

  private async inTime<T>(work: Promise<T>, limit = this.settings.startTimeout): Promise<T> {
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.settings.clock.after(limit, () => reject(new Error(`no answer within ${limit} ms`)));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel?.();
    }
  }

  private close(): void {
    this.commands.close();
    this.subscriber.close();
  }
}
