import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type IHubContext, InjectHubContext } from 'nestjs-signalr';
import { MoveShapeHub } from './move-shape.hub.js';
import { Shape } from './shape.js';

/** 25 times a second: more often than the eye asks for costs everybody, and shows nobody anything. */
const INTERVAL = 40;

/**
 * Tells everybody but the one who moves it where the shape is: the latest position at a fixed rate, however often
 * clients send theirs.
 */
@Injectable()
export class Broadcaster implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(Broadcaster.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly shape: Shape,
    @InjectHubContext(MoveShapeHub) private readonly hub: IHubContext<MoveShapeHub>,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.broadcast(), INTERVAL);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async broadcast(): Promise<void> {
    const move = this.shape.takeMove();
    if (move === undefined) {
      return;
    }
    const { position, mover } = move;
    try {
      await this.hub.clients.allExcept(mover === undefined ? [] : [mover]).updateShape(position);
    } catch (error) {
      this.logger.error('The position could not be sent', error);
    }
  }
}
