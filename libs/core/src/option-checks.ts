import { ConfigurationError } from './errors.js';
import { kindOf } from './kind-of.js';
import { didYouMean } from './nearest.js';

/**
 * Checks that a function was called with an object of options.
 *
 * @throws {ConfigurationError} otherwise.
 */
export function requireOptions(options: unknown, call: string, example: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new ConfigurationError(call, `expected options, got ${kindOf(options)}. Write ${example}`);
}

/**
 * Checks that a value is a number above 0, up to `max`.
 *
 * @throws {ConfigurationError} otherwise.
 */
export function requirePositive(option: string, value: unknown, max: number): void {
  if (typeof value === 'number' && value > 0 && value <= max) return;
  throw new ConfigurationError(option, `expected a number above 0, up to ${max}, got ${String(value)}`);
}

/**
 * Checks that a value is an integer from `min` to `max`.
 *
 * @throws {ConfigurationError} otherwise.
 */
export function requireInteger(option: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new ConfigurationError(option, `expected an integer from ${min} to ${max}, got ${String(value)}`);
  }
}

/**
 * Checks that a value is an array of 1 to `max` patterns, as `refersTo` takes them.
 *
 * @throws {ConfigurationError} otherwise.
 */
export function requirePatterns(option: string, value: unknown, max: number): void {
  const count = Array.isArray(value) ? value.length : 0;
  if (count === 0 || count > max) {
    throw new ConfigurationError(
      option,
      `expected an array of 1 to ${max} patterns, got ${Array.isArray(value) ? count : kindOf(value)}. ` +
        'Omit the option to match everything',
    );
  }
  for (const [index, pattern] of (value as readonly unknown[]).entries()) {
    if (typeof pattern === 'string' && pattern !== '') continue;
    throw new ConfigurationError(`${option}[${index}]`, `expected a string that is not empty, got ${kindOf(pattern)}`);
  }
}

/** Returns the name of an option below `path`, for errors. */
export function optionAt(path: string, option: string): string {
  return path === '' ? option : `${path}.${option}`;
}

/**
 * Checks that all names of `given` are keys of `known`. TypeScript does not report unknown names in a spread or a
 * variable, and a misspelled limit would not limit. `path` goes before the option's name in the error.
 *
 * @throws {ConfigurationError} otherwise.
 */
export function requireKnownOptions(path: string, given: unknown, known: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(known);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigurationError(path, `expected an object with any of ${names.join(', ')}, got ${kindOf(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new ConfigurationError(
    optionAt(path, unknown),
    `unknown option${didYouMean(unknown, names)}. Valid options: ${names.join(', ')}`,
  );
}
