const POINTS = 80;
const WIDTH = 100;
const HEIGHT = 40;

/** A line of the last values, each between 0 and 1. */
export class Chart {
  #line;
  #values = [];
  #count = 0;

  constructor(line) {
    this.#line = line;
  }

  /** @returns how many values there have been */
  add(value) {
    this.#values = [...this.#values, value].slice(-POINTS);
    const points = this.#values.map(
      (each, index) => `${(index * WIDTH) / (POINTS - 1)},${(1 - each) * HEIGHT}`,
    );
    this.#line.setAttribute('points', points.join(' '));
    return ++this.#count;
  }
}
