import type { StoredMessage, VerifiedMessage } from './message.js';
import type { ParseResult } from './provider.js';
import type { OpenSource } from './source.js';

/**
 * Parses a message of a source with its provider or, if a sweep found the message, with the access to the provider's API,
 * or without it if this process has no tokens. The stored origin decides: a webhook may contain anything, also what a sweep would store.
 */
export function parseMessage(
  { name, provider, api }: Pick<OpenSource, 'name' | 'provider' | 'api'>,
  message: VerifiedMessage & Pick<StoredMessage, 'origin'>,
): ParseResult {
  if (message.origin !== 'api') return provider.parse(message);
  if (api) return api.parse(message);
  if (provider.parseReported) return provider.parseReported(message);
  return {
    state: 'quarantined',
    reason: `a sweep found this message, and source "${name}" has no \`api\` option in this process`,
  };
}
