/**
 * The parameters of a query string or form: names are found in any case, a repeated name has its values joined with a
 * comma (signalr-2 §1.3, signalr-core §1.1).
 *
 * @publicApi
 */
export class QueryValues {
  /** A chain: a connection keeps its query for as long as it lives, and few have more than a handful of parameters. */
  private first: Parameter | undefined;
  private last: Parameter | undefined;

  /** Adds a value behind those that the name already has. */
  append(name: string, value: string): void {
    const parameter: Parameter = { key: name.toLowerCase(), name, value, next: undefined };
    if (this.last === undefined) {
      this.first = parameter;
    } else {
      this.last.next = parameter;
    }
    this.last = parameter;
  }

  /** The value of a parameter, all of them joined with `,` if it is repeated; undefined if it is missing. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    let found: string | undefined;
    for (let parameter = this.first; parameter !== undefined; parameter = parameter.next) {
      if (parameter.key === wanted) {
        found = found === undefined ? parameter.value : `${found},${parameter.value}`;
      }
    }
    return found;
  }

  /** Every value of a parameter, in order. */
  getAll(name: string): readonly string[] {
    const wanted = name.toLowerCase();
    const values: string[] = [];
    for (let parameter = this.first; parameter !== undefined; parameter = parameter.next) {
      if (parameter.key === wanted) {
        values.push(parameter.value);
      }
    }
    return values;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Names as first spelled, with their joined values, in order. */
  *entries(): IterableIterator<[name: string, value: string]> {
    const entries = new Map<string, [name: string, value: string]>();
    for (let parameter = this.first; parameter !== undefined; parameter = parameter.next) {
      const { key, name, value } = parameter;
      const entry = entries.get(key);
      if (entry === undefined) {
        entries.set(key, [name, value]);
      } else {
        entry[1] += `,${value}`;
      }
    }
    yield* entries.values();
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }
}

interface Parameter {
  /** The name in lower case. */
  readonly key: string;
  readonly name: string;
  readonly value: string;
  next: Parameter | undefined;
}

/** What the hosts of the two families make of a query string. */
export interface QueryRules {
  /** What may stand between two parameters besides `&`. */
  readonly separator?: string;
  /** A name without `=` is a parameter with an empty value; else it is none at all. */
  readonly takesBareNames: boolean;
}

/** The hosts of classic SignalR take `;` as well as `&` (signalr-2 §1.3). */
export const CLASSIC_QUERY: QueryRules = { separator: ';', takesBareNames: false };
export const CORE_QUERY: QueryRules = { takesBareNames: true };
/** Forms, which only classic clients send. */
export const FORM: QueryRules = { takesBareNames: false };

/**
 * Reads a query string or form. `+` is a blank, and an escape that is none stays as it stands: nothing a client sends makes
 * it throw.
 */
export function parseQuery(text: string, { separator, takesBareNames }: QueryRules): QueryValues {
  const query = new QueryValues();
  const pairs = separator !== undefined && text.includes(separator) ? text.replaceAll(separator, '&') : text;
  // Looked for only when it has been passed: whatever a client sends, it is read once.
  let equals = pairs.indexOf('=');
  for (let start = 0; start < pairs.length;) {
    const ampersand = pairs.indexOf('&', start);
    const end = ampersand < 0 ? pairs.length : ampersand;
    if (equals >= 0 && equals < start) {
      equals = pairs.indexOf('=', start);
    }
    if (equals >= 0 && equals < end) {
      query.append(decode(pairs.slice(start, equals)), decode(pairs.slice(equals + 1, end)));
    } else if (takesBareNames && end > start) {
      query.append(decode(pairs.slice(start, end)), '');
    }
    start = end + 1;
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
