/**
 * The parameters of a query string or form: names are found in any case, a repeated name has its values joined with a
 * comma (signalr-2 §1.3, signalr-core §1.1).
 *
 * @publicApi
 */
export class QueryValues {
  /** A list: a connection keeps its query for as long as it lives, and few have more than a handful of parameters. */
  private readonly parameters: { readonly key: string; readonly name: string; readonly value: string }[] = [];

  /** Adds a value behind those that the name already has. */
  append(name: string, value: string): void {
    this.parameters.push({ key: name.toLowerCase(), name, value });
  }

  /** The value of a parameter, all of them joined with `,` if it is repeated; undefined if it is missing. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    let found: string | undefined;
    for (const { key, value } of this.parameters) {
      if (key === wanted) {
        found = found === undefined ? value : `${found},${value}`;
      }
    }
    return found;
  }

  /** Every value of a parameter, in order. */
  getAll(name: string): readonly string[] {
    const wanted = name.toLowerCase();
    return this.parameters.filter(({ key }) => key === wanted).map(({ value }) => value);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.parameters.some(({ key }) => key === wanted);
  }

  /** Names as first spelled, with their joined values, in order. */
  *entries(): IterableIterator<[name: string, value: string]> {
    const entries = new Map<string, [name: string, value: string]>();
    for (const { key, name, value } of this.parameters) {
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
  const isMixed = separator !== undefined && text.includes(separator);
  for (const pair of (isMixed ? text.replaceAll(separator, '&') : text).split('&')) {
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
