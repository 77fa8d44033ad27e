/** Counts numbers that should follow each other. One that comes late is a gap first, and then a double. */
export class Tally {
  received = 0;
  /** Numbers that never came, without a word. */
  gaps = 0;
  /** Numbers that came though they, or later ones, had come before. */
  doubles = 0;
  /** Numbers that were said while the client had no connection, and knew it. */
  signalled = 0;
  last;
  #isNewConnection = true;

  /** From now on the client has another connection: what it missed in between, it has been told that it would. */
  startAnew() {
    this.#isNewConnection = true;
  }

  add(number) {
    const missed = this.last === undefined ? 0 : number - this.last - 1;
    this.received++;
    if (missed < 0) {
      this.doubles++;
      return;
    }
    if (this.#isNewConnection) {
      this.signalled += missed;
    } else {
      this.gaps += missed;
    }
    this.#isNewConnection = false;
    this.last = number;
  }
}
