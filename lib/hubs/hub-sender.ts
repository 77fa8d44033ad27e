import { Logger } from '@nestjs/common';

import { SignalRError } from '../common/errors.js';
import { toJson } from '../common/json.js';
import { DONE, isThenable } from '../common/promises.js';
import type { Backplane } from '../messaging/backplane.js';
import type { ClientCall } from '../messaging/envelope.js';
import type { Topic } from '../messaging/topics.js';

/** Sends the client calls of one hub: the way of every message out starts here. */
export class HubSender {
  private readonly logger = new Logger('SignalR.HubDispatcher');

  constructor(
    /** Canonical name of the hub. */
    readonly hub: string,
    private readonly backplane: Backplane,
  ) {}

  /**
   * Publishes a call once per topic, so a connection that two of them reach gets it twice (signalr-2 §5.4,
   * signalr-core §7.1).
   */
  send(
    topics: readonly Topic[],
    method: string,
    args: readonly unknown[],
    excluded?: readonly string[],
    stateJson?: string,
  ): Promise<void> {
    let accepted: void | Promise<void>;
    try {
      accepted = this.publish(topics, {
        hub: this.hub,
        method: requireMethod(method),
        argumentsJson: toJson(args, 'An argument of', this.hub, method),
        ...(stateJson !== undefined && { stateJson }),
        ...(excluded !== undefined && excluded.length > 0 && { excluded }),
      });
    } catch (error) {
      accepted = Promise.reject(error as Error);
    }
    return isThenable(accepted) ? this.reported(accepted, method) : DONE;
  }

  private publish(topics: readonly Topic[], call: ClientCall): void | Promise<void> {
    let pending: Promise<unknown> | undefined;
    for (const topic of topics) {
      const accepted = this.backplane.publish(topic, call);
      if (isThenable(accepted)) {
        pending = pending === undefined ? accepted : Promise.all([pending, accepted]);
      }
    }
    return pending?.then(() => undefined);
  }

  /** A send that nobody awaits must neither end the process nor fail in silence. */
  private reported(accepted: Promise<void>, method: string): Promise<void> {
    accepted.catch((error: unknown) => this.logger.error(`sending ${this.hub}.${method} failed`, error));
    return accepted;
  }
}

function requireMethod(method: unknown): string {
  if (typeof method !== 'string' || method === '') {
    throw SignalRError.of('SIGNALR_ARGUMENT_EMPTY');
  }
  return method;
}
