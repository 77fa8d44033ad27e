/**
 * The parameters of a query string or form: names are found in any case, a repeated name has its values joined with a
 * comma (signalr-2 §1.3, signalr-core §1.1).
 *
 * @publicApi
 */
export class QueryValues {
  /** Made by the first parameter: it is kept as long as a connection, and often there is none. */
  private values: Map<string, { name: string; values: string[] }> | undefined;

  /** Adds a value behind those that the name already has. */
  append(name: string, value: string): void {
    const key = name.toLowerCase();
    const entry = this.values?.get(key);
    if (entry === undefined) {
      (this.values ??= new Map()).set(key, { name, values: [value] });
    } else {
      entry.values.push(value);
    }
  }

  /** The value of a parameter, all of them joined with `,` if it is repeated; undefined if it is missing. */
  get(name: string): string | undefined {
    return this.values?.get(name.toLowerCase())?.values.join(',');
  }

  /** Every value of a parameter, in order. */
  getAll(name: string): readonly string[] {
    return this.values?.get(name.toLowerCase())?.values ?? [];
  }

  has(name: string): boolean {
    return this.values?.has(name.toLowerCase()) === true;
  }

  /** Names as first spelled, with their joined values, in order. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { name, values } of this.values?.values() ?? []) {
      yield [name, values.join(',')];
    }
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }
}

/** What the hosts of the two families make of a query string. */
export interface QueryRules {
  /** What stands between two parameters. */
  readonly separator: string | RegExp;
  /** A name without `=` is a parameter with an empty value; else it is none at all. */
  readonly takesBareNames: boolean;
}

/** The hosts of classic SignalR take `;` as well as `&` (signalr-2 §1.3). */
export const CLASSIC_QUERY: QueryRules = { separator: /[&;]/, takesBareNames: false };
export const CORE_QUERY: QueryRules = { separator: '&', takesBareNames: true };
/** Forms, which only classic clients send. */
export const FORM: QueryRules = { separator: '&', takesBareNames: false };

/**
 * Reads a query string or form. `+` is a blank, and an escape that is none stays as it stands: nothing a client sends makes
 * it throw.
 */
export function parseQuery(text: string, { separator, takesBareNames }: QueryRules): QueryValues {
  const query = new QueryValues();
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=');
    if (equals >= 0) {
      query.append(decode(pair.slice(0, equals)), decode(pair.slice(equals + 1)));
    } else if (takesBareNames && pair !== '') {
      query.append(decode(pair), '');
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
