import { HttpException } from '@nestjs/common';

import { HubException } from '../hubs/hub.exception.js';

/**
 * An argument that a validating pipe did not accept.
 *
 * @publicApi
 */
export interface ValidationFailure {
  readonly hub: string;
  readonly method: string;
  /** Name of the parameter. */
  readonly argument: string;
  /** What is wrong with it, in the words of the pipe: one text for each broken rule. */
  readonly rules: readonly string[];
}

/** Makes the error that the caller gets for an argument that is not valid. */
export type ValidationErrorFactory = (failure: ValidationFailure) => Error;

/** By default the caller may read what was wrong with its argument. */
export const defaultValidationError: ValidationErrorFactory = (failure) => {
  const { hub, method, argument, rules } = failure;
  return new HubException(
    `The argument '${argument}' of ${hub}.${method} is not valid: ${rules.join('; ')}.`,
    failure,
  );
};

/**
 * The broken rules in what a pipe has thrown: `ValidationPipe` and `StandardSchemaValidationPipe` give a list of them.
 * Undefined for everything else, such as an argument that does not convert.
 */
export function brokenRules(error: unknown): readonly string[] | undefined {
  const response: unknown = error instanceof HttpException ? error.getResponse() : undefined;
  const message =
    typeof response === 'object' ? (response as { message?: unknown } | null)?.message : undefined;
  return Array.isArray(message) && message.every((rule) => typeof rule === 'string') ? message : undefined;
}
