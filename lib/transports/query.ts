/**
 * The parameters of a query string or form: names are found in any case, a repeated name has its values joined with a
 * comma (signalr-2 §1.3, signalr-core §1.1).
 *
 * @publicApi
 */
export class QueryValues {
  private readonly values = new Map<string, { name: string; values: string[] }>();

  /** Adds a value behind those that the name already has. */
  append(name: string, value: string): void {
    const key = name.toLowerCase();
    const entry = this.values.get(key);
    if (entry === undefined) {
      this.values.set(key, { name, values: [value] });
    } else {
      entry.values.push(value);
    }
  }

  /** The value of a parameter, all of them joined with `,` if it is repeated; undefined if it is missing. */
  get(name: string): string | undefined {
    return this.values.get(name.toLowerCase())?.values.join(',');
  }

  /** Every value of a parameter, in order. */
  getAll(name: string): readonly string[] {
    return this.values.get(name.toLowerCase())?.values ?? [];
  }

  has(name: string): boolean {
    return this.values.has(name.toLowerCase());
  }

  /** Names as first spelled, with their joined values, in order. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { name, values } of this.values.values()) {
      yield [name, values.join(',')];
    }
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }
}

/**
 * Reads a query string or form. Pairs without `=` are left out, `+` is a blank, and an escape that is none stays as it
 * stands: nothing a client sends makes it throw.
 *
 * @param separator `&`, or `/[&;]/` for the query strings of classic clients.
 */
export function parseQuery(text: string, separator: string | RegExp = '&'): QueryValues {
  const query = new QueryValues();
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=');
    if (equals >= 0) {
      query.append(decode(pair.slice(0, equals)), decode(pair.slice(equals + 1)));
    }
  }
  return query;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) {
    return spaced;
  }
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
