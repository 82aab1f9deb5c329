import { createHmac, createPublicKey, createSecretKey, verify } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { decodeBase64 } from './base64.js';
import { indexOfEqual } from './constant-time.js';
import { isSmallOrderKey } from './ed25519-small-order.js';
import { requireStrongSecret } from './secret-strength.js';
import { readStandardWebhooksKey, type StandardWebhooksSecret } from './standard-webhooks-secret.js';

/** Checks signatures with one configured key. */
export interface StandardWebhooksVerifier {
  /** Version of the entries of the signature header that this key can check. */
  readonly version: 'v1' | 'v1a';
  /** Returns whether one of the signatures, in base64, signs `<id>.<timestamp>.` followed by the body. */
  matches(signedPrefix: Buffer, body: Uint8Array, signatures: readonly string[]): boolean;
}

/** DER of an ed25519 SubjectPublicKeyInfo up to the 32 bytes of the key (RFC 8410). */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_PUBLIC_KEY_BYTES = 32;

/**
 * Returns the verifier of a secret.
 *
 * @throws {ConfigurationError} if it cannot be a key of the receiver.
 */
export function readVerifier(secret: StandardWebhooksSecret | undefined, option: string): StandardWebhooksVerifier {
  const { kind, bytes, text } = readStandardWebhooksKey(secret, option);
  if (kind === 'private') {
    throw new ConfigurationError(option, 'expected the sender\'s public key ("whpk_"), got its private key ("whsk_")');
  }
  if (kind === 'public') requirePublicKey(bytes, option);
  requireStrongSecret({ text, bytes, bytesMin: LIMITS.secretBytesMin }, option);
  return kind === 'shared' ? hmacVerifier(bytes) : ed25519Verifier(bytes);
}

function requirePublicKey(bytes: Buffer, option: string): void {
  if (bytes.length !== ED25519_PUBLIC_KEY_BYTES) {
    throw new ConfigurationError(
      option,
      `expected an ed25519 public key of ${ED25519_PUBLIC_KEY_BYTES} bytes after "whpk_", got ${bytes.length} bytes`,
    );
  }
  if (isSmallOrderKey(bytes)) {
    throw new ConfigurationError(
      option,
      'expected the key that the sender shows, got a public key of small order after "whpk_", for which everyone can create signatures',
    );
  }
}

function hmacVerifier(bytes: Buffer): StandardWebhooksVerifier {
  const key = createSecretKey(bytes);
  return {
    version: 'v1',
    matches(signedPrefix, body, signatures) {
      const digest = createHmac('sha256', key).update(signedPrefix).update(body).digest('base64');
      const given = signatures.map((signature) => Buffer.from(signature));
      return indexOfEqual(given, Buffer.from(digest)) >= 0;
    },
  };
}

function ed25519Verifier(bytes: Buffer): StandardWebhooksVerifier {
  const key = createPublicKey({ key: Buffer.concat([ED25519_SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
  return {
    version: 'v1a',
    matches(signedPrefix, body, signatures) {
      const signed = Buffer.concat([signedPrefix, body]);
      return signatures.some((text) => {
        const signature = decodeBase64(text);
        // Base64 has several spellings of the same bytes. Only the canonical one is accepted.
        return signature?.toString('base64') === text && verify(null, signed, key, signature);
      });
    },
  };
}
