import { setInterval } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type IHubContext, InjectHubContext } from 'nestjs-signalr';
import { TicksHub } from '../ticks/ticks.hub.js';

/** Milliseconds between two numbers. */
const INTERVAL = 100;

/** Tells all clients of all nodes one number after the other. */
@Injectable()
export class Ticker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Ticker.name);
  private readonly end = new AbortController();
  private running: Promise<void> | undefined;

  constructor(@InjectHubContext(TicksHub) private readonly ticks: IHubContext<TicksHub>) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.end.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let next = 1;
    try {
      for await (const _ of setInterval(INTERVAL, undefined, { signal: this.end.signal })) {
        if (await this.send(next)) {
          next++;
        }
      }
    } catch (error) {
      if (!this.end.signal.aborted) {
        throw error;
      }
    }
  }

  /** @returns false if the number was refused, which means that it has reached nobody and may be said again. */
  private async send(number: number): Promise<boolean> {
    try {
      await this.ticks.clients.all.tick(number);
      return true;
    } catch (error) {
      this.logger.error(`${number} could not be sent`, error);
      return false;
    }
  }
}
