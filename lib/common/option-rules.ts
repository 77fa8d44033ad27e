import { SignalRError } from './errors.js';

/** Says what is wrong with a value, or nothing. */
export type OptionRule = (value: unknown) => string | undefined;

/** The rule of each option of a group; the keys are all options that exist. */
export type OptionRules<T> = { readonly [Option in keyof T]-?: OptionRule };

const rule =
  (text: string, holds: (value: unknown) => boolean): OptionRule =>
  (value) =>
    holds(value) ? undefined : text;

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

export const boolean = rule('must be true or false.', (value) => typeof value === 'boolean');

export const func = rule('must be a function.', (value) => typeof value === 'function');

export const text = rule(
  'must be a text that is not empty.',
  (value) => typeof value === 'string' && value !== '',
);

export const path = rule(
  'must start with a slash and end without one.',
  (value) => typeof value === 'string' && /^(?:\/[^/?#]+)+$/.test(value),
);

/** A time or size: a number from `minimum` on. */
export const atLeast = (minimum: number): OptionRule =>
  rule(`must be a number of at least ${minimum}.`, (value) => isNumber(value) && value >= minimum);

export const wholeNumber = (minimum: number): OptionRule =>
  rule(
    `must be a whole number of at least ${minimum}.`,
    (value) => Number.isInteger(value) && (value as number) >= minimum,
  );

export const oneOf = (...allowed: readonly unknown[]): OptionRule =>
  rule(`must be one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}.`, (value) =>
    allowed.includes(value),
  );

export const listOf = (...allowed: readonly string[]): OptionRule =>
  rule(
    `must be a list of ${allowed.join(', ')} that is not empty.`,
    (value) =>
      Array.isArray(value) && value.length > 0 && value.every((item) => allowed.includes(item as string)),
  );

export const listOfText = rule(
  'must be a list of texts.',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
);

/** An object whose members all follow a rule. */
export const mapOf = (member: OptionRule): OptionRule =>
  rule(
    'must be an object with allowed values.',
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((each) => member(each) === undefined),
  );

/** The given value is also allowed. */
export const or =
  (allowed: unknown, otherwise: OptionRule): OptionRule =>
  (value) =>
    value === allowed ? undefined : otherwise(value);

export const either =
  (first: OptionRule, second: OptionRule): OptionRule =>
  (value) =>
    first(value) === undefined ? undefined : second(value);

/**
 * Checks the options that a user gave and puts them over the values they do not give. An option that is `undefined`
 * counts as not given, so that a narrower level can leave it to the wider one.
 *
 * @param group how the options are called in errors, for example `core.`.
 * @throws SignalRError SIGNALR_OPTION_UNKNOWN, SIGNALR_OPTION_INVALID
 */
export function mergeOptions<T extends object>(
  rules: OptionRules<T>,
  inherited: T,
  given: Partial<T> | undefined,
  group = '',
): T {
  const merged = { ...inherited } as Record<string, unknown>;
  for (const [option, value] of Object.entries(given ?? {})) {
    if (!Object.hasOwn(rules, option)) {
      throw SignalRError.of('SIGNALR_OPTION_UNKNOWN', group + option);
    }
    if (value === undefined) {
      continue;
    }
    const complaint = rules[option as keyof T](value);
    if (complaint !== undefined) {
      throw SignalRError.of('SIGNALR_OPTION_INVALID', group + option, complaint);
    }
    merged[option] = value;
  }
  return merged as T;
}
