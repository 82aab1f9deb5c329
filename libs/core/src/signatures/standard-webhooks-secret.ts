import { ConfigurationError } from '../errors.js';
import { decodeBase64 } from './base64.js';
import { readSecretText } from './configured-secrets.js';

/**
 * A Standard Webhooks key: `whsec_` and base64, base64 alone, `whpk_` and base64 (an ed25519 public key), or
 * `{ utf8 }` for a shared secret that is plain text.
 */
export type StandardWebhooksSecret = string | { readonly utf8: string | undefined };

/** A decoded key. */
export interface StandardWebhooksKey {
  readonly kind: 'shared' | 'public' | 'private';
  readonly bytes: Buffer;
  /** Configured text, without whitespace around it. */
  readonly text: string;
}

const KINDS = { whsec_: 'shared', whpk_: 'public', whsk_: 'private' } as const;

/**
 * Decodes a key by its prefix.
 *
 * @throws {ConfigurationError} if it is not a key.
 */
export function readStandardWebhooksKey(
  secret: StandardWebhooksSecret | undefined,
  option: string,
): StandardWebhooksKey {
  if (typeof secret === 'object' && secret !== null) {
    const text = readSecretText(secret.utf8, `${option}.utf8`);
    return { kind: 'shared', bytes: Buffer.from(text), text };
  }
  const text = readSecretText(secret, option);
  const [prefix = '', kind = 'shared'] = Object.entries(KINDS).find(([name]) => text.startsWith(name)) ?? [];
  const bytes = decodeBase64(text.slice(prefix.length));
  if (bytes === undefined) {
    throw new ConfigurationError(
      option,
      `expected "whsec_" or "whpk_" and base64, or base64 alone, got ${prefix === '' ? 'a string' : `"${prefix}" and a string`} that is not standard base64. If the secret is plain text, write { utf8: … }`,
    );
  }
  return { kind, bytes, text };
}
