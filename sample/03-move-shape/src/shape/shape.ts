import { Injectable } from '@nestjs/common';
import type { Position } from './shape.types.js';

/** The one shape that everybody moves. */
@Injectable()
export class Shape {
  private current: Position = { left: 0.5, top: 0.5 };
  private mover: string | undefined;
  private changed = false;

  get position(): Position {
    return this.current;
  }

  /** @param connectionId who moves it, and so knows where it is. */
  move(position: Position, connectionId: string): void {
    this.current = position;
    this.mover = connectionId;
    this.changed = true;
  }

  /** What has happened since this was last asked; undefined if nothing has. */
  takeMove(): { readonly position: Position; readonly mover: string | undefined } | undefined {
    if (!this.changed) {
      return undefined;
    }
    this.changed = false;
    return { position: this.current, mover: this.mover };
  }
}
