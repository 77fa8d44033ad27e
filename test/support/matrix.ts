/** What a suite has proven, as a table that is printed when it is done. */
export class Matrix {
  private readonly passes = new Map<string, number>();

  /**
   * @param wanted how often a cell has to pass to be done; undefined for cells that are empty.
   */
  constructor(
    private readonly title: string,
    private readonly rows: readonly string[],
    private readonly columns: readonly string[],
    private readonly wanted: (row: string, column: string) => number | undefined,
  ) {}

  /** To be called at the end of a test. */
  pass(row: string, column: string): void {
    const cell = keyOf(row, column);
    this.passes.set(cell, (this.passes.get(cell) ?? 0) + 1);
  }

  /** @param notes lines below the table: why cells are empty, for example. */
  print(...notes: string[]): void {
    const first = Math.max(...this.rows.map(({ length }) => length));
    const line = (name: string, cells: readonly string[]): string =>
      [name.padEnd(first), ...cells.map((cell, index) => cell.padEnd(this.columns[index]?.length ?? 0))]
        .join('  ')
        .trimEnd();
    const body = this.rows.map((row) =>
      line(
        row,
        this.columns.map((column) => this.mark(row, column)),
      ),
    );
    console.log([this.title, line('', this.columns), ...body, ...notes].join('\n'));
  }

  private mark(row: string, column: string): string {
    const wanted = this.wanted(row, column);
    const count = this.passes.get(keyOf(row, column)) ?? 0;
    return wanted === undefined ? '–' : count === wanted ? 'ok' : `${count}/${wanted}`;
  }
}

const keyOf = (row: string, column: string): string => `${row}/${column}`;
