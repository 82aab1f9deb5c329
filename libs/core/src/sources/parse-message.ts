import type { StoredMessage, VerifiedMessage } from './message.js';
import type { ParseResult } from './provider.js';
import type { OpenSource } from './source.js';

/**
 * Parses a message with the provider of its source. The stored origin decides how: a webhook may contain anything, also what
 * a sweep would store.
 */
export function parseMessage(
  { name, provider }: Pick<OpenSource, 'name' | 'provider'>,
  message: VerifiedMessage & Pick<StoredMessage, 'origin'>,
): ParseResult {
  if (message.origin !== 'api') return provider.parse(message);
  if (provider.parseReported) return provider.parseReported(message);
  return {
    state: 'quarantined',
    reason: `a sweep found this message, and the provider of source "${name}" has no parseReported in this process`,
  };
}
