import { DONE, isThenable } from '../common/promises.js';
import { type TraceSource, traceSource, type TraceSourceName } from '../common/trace.js';
import type { Backplane } from './backplane.js';
import type { Message } from './envelope.js';
import type { Topic } from './topics.js';

/** Publishes messages in somebody's name. */
export abstract class MessageSender {
  protected readonly logger: TraceSource;

  /**
   * @param sender who sends, for the log.
   * @param source name of the log.
   */
  protected constructor(
    private readonly sender: string,
    protected readonly backplane: Backplane,
    source: TraceSourceName,
  ) {
    this.logger = traceSource(source);
  }

  /** Publishes a message once per topic. A promise only if the backplane has to be waited for. */
  protected publish(topics: readonly Topic[], message: Message): void | Promise<void> {
    let pending: Promise<unknown> | undefined;
    for (const topic of topics) {
      const accepted = this.backplane.publish(topic, message);
      if (isThenable(accepted)) {
        pending = pending === undefined ? accepted : Promise.all([pending, accepted]);
      }
    }
    return pending?.then(() => undefined);
  }

  /** What a sender gets to await. A send that nobody awaits must neither end the process nor fail in silence. */
  protected reported(accepted: void | Promise<void>, what: string): Promise<void> {
    if (!isThenable(accepted)) {
      return DONE;
    }
    accepted.then(undefined, (error: unknown) =>
      this.logger.error(`sending ${this.sender}.${what} failed`, error),
    );
    return accepted;
  }
}
