import { ConfigurationError } from '../errors.js';
import { kindOf } from '../kind-of.js';

/**
 * Checks the address of a provider's API, and returns it without slashes at the end. Only https is accepted, and http for
 * this host itself (`localhost`, `127.0.0.1`, `[::1]`), where tests run servers.
 *
 * @throws {ConfigurationError} for anything else, and for an address with credentials, a query or a fragment.
 */
export function checkApiUrl(option: string, value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
  if (url && isSafe && !url.username && !url.password && !url.search && !url.hash) return url.href.replace(/\/+$/, '');
  throw new ConfigurationError(
    option,
    `expected an https address without credentials, query or fragment, got ${kindOf(value)}. ` +
      'http is accepted for localhost only',
  );
}

/** Returns whether a host of a URL is this host by its name or address. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
