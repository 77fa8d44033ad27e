import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';
import { Shape } from './shape.js';
import type { MoveShapeClient, Position } from './shape.types.js';

/** Takes in where clients drag the shape to. It sends nothing itself: the broadcaster does, at a rate of its own. */
@Hub('moveShape')
export class MoveShapeHub extends SignalRHub<MoveShapeClient> {
  constructor(private readonly shape: Shape) {
    super();
  }

  override async onConnected(): Promise<void> {
    await this.clients.caller.updateShape(this.shape.position);
  }

  @HubMethod()
  updateModel(position: Position): void {
    this.shape.move(check(position), this.context.connectionId);
  }
}

/** Arguments come from outside, so their declared type is a wish. */
function check(position: unknown): Position {
  const { left, top } = (position ?? {}) as Partial<Position>;
  return { left: checkPart(left), top: checkPart(top) };
}

function checkPart(part: unknown): number {
  if (typeof part !== 'number' || !Number.isFinite(part)) {
    throw new HubException('A position needs two numbers.');
  }
  return Math.min(1, Math.max(0, part));
}
