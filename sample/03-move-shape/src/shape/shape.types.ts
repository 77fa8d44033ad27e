/** Where the shape is: its centre, as parts of the board's width and height from 0 to 1. */
export interface Position {
  readonly left: number;
  readonly top: number;
}

/** What the server may call on a client. */
export interface MoveShapeClient {
  updateShape(position: Position): void;
}
