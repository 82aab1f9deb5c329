import { ConfigurationError } from '../errors.js';

/** RFC 9110 §5.1: a field name is a token. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** The configured name of a header, in the lower case that header maps use. Throws ConfigurationError for what is none. */
export function readHeaderName(name: unknown, option: string): string {
  const lower = typeof name === 'string' ? name.trim().toLowerCase() : '';
  if (!TOKEN.test(lower)) {
    throw new ConfigurationError(
      option,
      'expected the name of a request header, for example "x-forwarded-authorization"',
    );
  }
  return lower;
}
