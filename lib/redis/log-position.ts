import { Cursor } from './cursor.js';
import { randomName } from './random-name.js';

/** How far a node is: what its connections that are up to date have seen. */
export class LogPosition {
  /** Life of the log; empty until it is known. */
  epoch = '';
  /** Everything up to here that concerns the node has arrived. */
  sequence = 0;
  /** The last own message that was handed to connections of this node, or is replayed to them. */
  delivered = 0;
  /** The last own message that has a place at or before {@link sequence}. */
  placed = 0;
  private fresh = randomName();
  private lastPlace = 0;
  private lastTerm = '';

  constructor(
    /** Tag of the node. */
    readonly tag: string,
  ) {}

  /** What scripts are told first: in which life of the log the node is, and what the log must hold if it still is the same. */
  get witnessed(): readonly [epoch: string, place: number, newEpoch: string, term: string] {
    return [this.epoch, this.lastPlace, this.fresh, this.lastTerm];
  }

  /** A name for a new life of the log, should this node be the one that begins it. */
  get nextEpoch(): string {
    return this.fresh;
  }

  /** Scripts say in which life the log is: no name may be given twice. */
  heardOf(epoch: string): void {
    if (epoch === this.fresh) {
      this.fresh = randomName();
    }
  }

  /** Redis has given a place in a term, whether or not what stands there has arrived here. */
  witness(epoch: string, place: number, term: string): void {
    if (epoch === this.epoch && place >= this.lastPlace) {
      this.lastPlace = place;
      this.lastTerm = term;
    }
  }

  /** Another life of the log begins after a place. */
  begin(epoch: string, place: number): void {
    this.epoch = epoch;
    this.sequence = place;
    this.lastPlace = place;
    this.lastTerm = '';
  }

  /** What stands for now. */
  get cursor(): Cursor {
    const own = this.delivered > this.placed ? new Map([[this.tag, this.delivered]]) : undefined;
    return new Cursor(this.epoch, this.sequence, own);
  }
}
