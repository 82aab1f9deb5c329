import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';

/** RFC 9110 §5.1: a field name is a token. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/**
 * Returns the configured name of a header in lower case, as header maps have it.
 *
 * @throws {ConfigurationError} if it is not the name of a header.
 */
export function readHeaderName(name: unknown, option: string): string {
  const lower = typeof name === 'string' ? name.trim().toLowerCase() : '';
  if (!TOKEN.test(lower)) {
    throw new ConfigurationError(
      option,
      `expected the name of a request header, got ${kindOf(name)}. For example "x-forwarded-authorization"`,
    );
  }
  return lower;
}
