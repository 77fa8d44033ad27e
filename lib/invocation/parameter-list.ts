/** A parameter as written in the source of a function. */
export interface DeclaredParameter {
  /** Its name, or `arg1`, `arg2` … where it has none (destructuring). */
  readonly name: string;
  readonly hasDefault: boolean;
  readonly isRest: boolean;
}

const OPENING = '([{';
const CLOSING = ')]}';
const QUOTES = `'"\``;

/**
 * The parameters of a method, read from its source: emitted metadata has their types, never their names, and
 * `Function.length` stops at the first default.
 */
export function parameterList(method: (...args: never[]) => unknown): DeclaredParameter[] {
  return splitParameters(withoutComments(Function.prototype.toString.call(method))).map((text, index) => {
    const isRest = text.startsWith('...');
    const bare = isRest ? text.slice(3) : text;
    const name = /^[\p{ID_Start}$_][\p{ID_Continue}$]*/u.exec(bare)?.[0] ?? `arg${index + 1}`;
    return { name, isRest, hasDefault: /^[^=]*=(?![=>])/.test(bare) };
  });
}

/** What stands between the first parenthesis and the one that closes it, split at the commas of its own level. */
function splitParameters(source: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (let index = source.indexOf('('); index >= 0 && index < source.length; index++) {
    const character = source.charAt(index);
    if (QUOTES.includes(character)) {
      const end = endOfText(source, index);
      part += source.slice(index, end + 1);
      index = end;
      continue;
    }
    if (CLOSING.includes(character) && --depth === 0) {
      break;
    }
    if (depth === 1 && character === ',') {
      parts.push(part.trim());
      part = '';
    } else if (depth > 0) {
      part += character;
    }
    if (OPENING.includes(character)) {
      depth++;
    }
  }
  parts.push(part.trim());
  return parts.filter((text) => text !== '');
}

function endOfText(source: string, start: number): number {
  const quote = source.charAt(start);
  let index = start + 1;
  while (index < source.length && source.charAt(index) !== quote) {
    index += source.charAt(index) === '\\' ? 2 : 1;
  }
  return index;
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
