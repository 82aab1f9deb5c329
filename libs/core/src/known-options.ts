import { ConfigurationError } from './errors.js';
import { kindOf } from './kind-of.js';
import { didYouMean } from './nearest.js';
import { optionAt } from './signatures/configured-secrets.js';

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
