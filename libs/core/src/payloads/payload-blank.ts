import { ValidateIf } from 'class-validator';
import { alsoRequire } from './payload-fields.js';

/** A provider's ways to write a missing value: an absent field, `null`, or one of its words. */
export interface BlankValues {
  /** Returns whether a value is missing. */
  readonly isBlank: (value: unknown) => boolean;
  /** Returns the value, or `undefined` if it is missing. */
  readonly filled: <T extends string | number>(value: T | null | undefined) => T | undefined;
  /** Decorator for a field that may be missing. A missing value is not validated and is kept as it was sent. */
  readonly MayBeBlank: () => PropertyDecorator;
  /** Decorator for a field that must not be missing. `expected` is the expected kind of value, for example `an id`. */
  readonly NotBlank: (expected: string) => PropertyDecorator;
}

/**
 * Returns the functions for a provider that writes a missing value as one of `words`. Spaces around a word are ignored.
 *
 * @example
 * export const { filled, MayBeBlank } = blankValues(['', 'None']);
 */
export function blankValues(words: readonly string[]): BlankValues {
  const isBlank = (value: unknown): boolean =>
    value === undefined || value === null || (typeof value === 'string' && words.includes(value.trim()));
  return {
    isBlank,
    filled: (value) => (isBlank(value) ? undefined : (value ?? undefined)),
    MayBeBlank: () => ValidateIf((_payload, value: unknown) => !isBlank(value)),
    NotBlank: (expected) => alsoRequire(expected, (value) => !isBlank(value)),
  };
}
