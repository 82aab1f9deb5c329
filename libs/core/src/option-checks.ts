import { ConfigurationError } from './errors.js';
import { kindOf } from './kind-of.js';
import { didYouMean } from './nearest.js';

/** Throws {@link ConfigurationError} unless `call` was given an object of options: plain JavaScript lets one forget it. */
export function requireOptions(options: unknown, call: string, example: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new ConfigurationError(call, `found ${kindOf(options)}; expected options: ${example}`);
}

export function requirePositive(option: string, value: unknown, max: number): void {
  if (typeof value === 'number' && value > 0 && value <= max) return;
  throw new ConfigurationError(option, `found ${String(value)}; expected a number above 0, at most ${max}`);
}

/** Throws {@link ConfigurationError} unless `value` is a whole number in the range. */
export function requireWhole(option: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new ConfigurationError(option, `found ${String(value)}; expected a whole number from ${min} to ${max}`);
  }
}

/** `option` below `path`, as it is named in errors. */
export function optionAt(path: string, option: string): string {
  return path === '' ? option : `${path}.${option}`;
}

/**
 * Throws {@link ConfigurationError} for a name that is not an option: JavaScript, a spread or a variable passes one on
 * unnoticed, and a misspelled limit would be no limit. `path` goes before the option's name in the error; the keys of
 * `known` are the options, and an option that is undefined counts as left out.
 */
export function requireKnownOptions(path: string, given: unknown, known: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(known);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigurationError(path, `found ${kindOf(given)}; expected an object with any of ${names.join(', ')}`);
  }
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new ConfigurationError(
    optionAt(path, unknown),
    `there is no such option; expected one of ${names.join(', ')}${didYouMean(unknown, names)}`,
  );
}
