import { createHmac, createPrivateKey, sign } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { readSecretText } from './configured-secrets.js';
import { headerNames, type StandardWebhooksFamily } from './standard-webhooks-headers.js';
import { readStandardWebhooksKey, type StandardWebhooksSecret } from './standard-webhooks-secret.js';

/** Returns the header value that `hmacHex` checks: HMAC-SHA256 of the body in lower-case hex. */
export function signHmacHex(secret: string, body: string | Uint8Array): string {
  return createHmac('sha256', readSecretText(secret, 'secret')).update(body).digest('hex');
}

/** A message to sign. */
export interface StandardWebhooksMessage {
  /** Secret of the receiver, or for `v1a` the sender's private key, `whsk_…`. */
  readonly secret: StandardWebhooksSecret;
  readonly id: string;
  /** Time of this attempt to send, which is signed in seconds. */
  readonly timestamp: Date;
  readonly body: string | Uint8Array;
  /** First part of the names of the headers. @default 'webhook' */
  readonly family?: StandardWebhooksFamily | undefined;
}

/**
 * Returns the three headers that a Standard Webhooks sender adds to a request.
 *
 * @throws {ConfigurationError} if the secret is unusable.
 */
export function signStandardWebhooks(message: StandardWebhooksMessage): Record<string, string> {
  const [idName, timestampName, signatureName] = headerNames(message.family ?? 'webhook');
  const timestamp = String(Math.floor(message.timestamp.getTime() / 1_000));
  const signed = Buffer.concat([Buffer.from(`${message.id}.${timestamp}.`), Buffer.from(message.body)]);
  return {
    [idName]: message.id,
    [timestampName]: timestamp,
    [signatureName]: signatureOf(signed, message.secret),
  };
}

/** DER of an ed25519 PrivateKeyInfo up to the 32 bytes of the seed (RFC 8410). */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_SEED_BYTES = 32;
const ED25519_KEY_PAIR_BYTES = 64;

function signatureOf(signed: Buffer, secret: StandardWebhooksSecret): string {
  const { kind, bytes } = readStandardWebhooksKey(secret, 'secret');
  if (kind === 'shared') return `v1,${createHmac('sha256', bytes).update(signed).digest('base64')}`;
  if (kind === 'public') {
    throw new ConfigurationError(
      'secret',
      'expected the private key ("whsk_") to sign with, got a public key ("whpk_")',
    );
  }
  // Svix writes the public key after the seed. The seed alone is enough.
  if (bytes.length !== ED25519_SEED_BYTES && bytes.length !== ED25519_KEY_PAIR_BYTES) {
    throw new ConfigurationError(
      'secret',
      `expected an ed25519 private key of ${ED25519_SEED_BYTES} or ${ED25519_KEY_PAIR_BYTES} bytes after "whsk_", got ${bytes.length} bytes`,
    );
  }
  const der = Buffer.concat([ED25519_PKCS8_PREFIX, bytes.subarray(0, ED25519_SEED_BYTES)]);
  return `v1a,${sign(null, signed, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).toString('base64')}`;
}
