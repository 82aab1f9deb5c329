import { ConfigurationError } from './errors.js';
import { kindOf } from './kind-of.js';

/** Throws {@link ConfigurationError} unless `call` was given an object of options: plain JavaScript lets one forget it. */
export function requireOptions(options: unknown, call: string, example: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new ConfigurationError(call, `found ${kindOf(options)}; expected options: ${example}`);
}
