import { ConfigurationError } from './errors.js';

/** Throws {@link ConfigurationError} unless `call` was given an object of options: plain JavaScript lets one forget it. */
export function requireOptions(options: unknown, call: string, example: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  // Not the value: it may be a secret.
  const found = options === undefined || options === null ? String(options) : `a ${typeof options}`;
  throw new ConfigurationError(
    call,
    `found ${Array.isArray(options) ? 'a list' : found}; expected options: ${example}`,
  );
}
