import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Verification } from '../sources/verification.js';
import { countOf, readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import type { SignatureScheme } from './signature-scheme.js';
import {
  readStandardWebhooksHeaders,
  STANDARD_WEBHOOKS_HEADERS,
  type StandardWebhooksHeaders,
} from './standard-webhooks-headers.js';
import type { StandardWebhooksSecret } from './standard-webhooks-secret.js';
import { readVerifier, type StandardWebhooksVerifier } from './standard-webhooks-verifier.js';

/** Options for {@link standardWebhooks}. */
export interface StandardWebhooksOptions {
  /** Keys of the sender: `whsec_…`, base64, `whpk_…` or `{ utf8: … }`. A message is accepted if any of them matches. */
  readonly secrets: readonly (StandardWebhooksSecret | undefined)[];
  /**
   * Largest accepted difference between the signed time and `receivedAt`, in milliseconds. Both are compared in whole
   * seconds.
   * @default 300000 (5 minutes)
   */
  readonly toleranceMs?: number | undefined;
}

/**
 * Returns a scheme for Standard Webhooks and Svix: HMAC-SHA256 (`v1`) or ed25519 (`v1a`) over
 * `<id>.<timestamp>.<raw body>`, in `svix-*` or `webhook-*` headers (https://www.standardwebhooks.com,
 * https://docs.svix.com/receiving/verifying-payloads/how-manual). The id is signed, so duplicates are recognized by it.
 * `path` goes before the names of options in errors.
 *
 * @throws {ConfigurationError} if an option is invalid.
 */
export function standardWebhooks(options: StandardWebhooksOptions, path = ''): SignatureScheme {
  const verifiers = readSecrets(options.secrets, optionAt(path, 'secrets'), readVerifier);
  const toleranceSeconds = readTolerance(options.toleranceMs, optionAt(path, 'toleranceMs')) / 1_000;
  return {
    description: `Standard Webhooks, ${countOf(verifiers, 'secret')}`,
    isOpenToAnyone: false,
    headersKept: STANDARD_WEBHOOKS_HEADERS,
    verify({ headers, body, receivedAt }) {
      const read = readStandardWebhooksHeaders(headers);
      if (!read.ok) return read;
      return checkTime(read, receivedAt, toleranceSeconds) ?? checkSignatures(read, body, verifiers);
    },
    signedId(headers) {
      const read = readStandardWebhooksHeaders(headers);
      return read.ok ? read.id : '';
    },
  };
}

function readTolerance(toleranceMs: number = LIMITS.signatureToleranceMs, option: string): number {
  if (Number.isSafeInteger(toleranceMs) && toleranceMs >= 1_000) return toleranceMs;
  throw new ConfigurationError(option, `expected an integer of at least 1000, got ${toleranceMs}`);
}

function checkTime(
  { family, timestamp }: StandardWebhooksHeaders,
  receivedAt: Date,
  toleranceSeconds: number,
): Verification | undefined {
  const ageSeconds = Math.floor(receivedAt.getTime() / 1_000) - Number(timestamp);
  const side = `than this server's clock by more than the tolerated ${toleranceSeconds} s`;
  if (ageSeconds < -toleranceSeconds) {
    return { ok: false, check: 'timestamp-too-new', reason: `Header "${family}-timestamp" is later ${side}.` };
  }
  // This condition also rejects an invalid `receivedAt`.
  if (ageSeconds <= toleranceSeconds) return undefined;
  return { ok: false, check: 'timestamp-too-old', reason: `Header "${family}-timestamp" is earlier ${side}.` };
}

function checkSignatures(
  { family, id, timestamp, signatures }: StandardWebhooksHeaders,
  body: Uint8Array,
  verifiers: readonly StandardWebhooksVerifier[],
): Verification {
  const signedPrefix = Buffer.from(`${id}.${timestamp}.`);
  const ofVersion = (version: string) =>
    signatures.filter((entry) => entry.version === version).map((entry) => entry.signature);
  const matched = verifiers.map((verifier) => verifier.matches(signedPrefix, body, ofVersion(verifier.version)));
  const secretIndex = matched.indexOf(true);
  if (secretIndex >= 0) return { ok: true, secretIndex };
  const versions = [...new Set(verifiers.map(({ version }) => version))];
  if (versions.every((version) => ofVersion(version).length === 0)) {
    const reason = `Header "${family}-signature" has no entry "${versions.join(',…" or "')},…", which this source's secrets could check.`;
    return { ok: false, check: 'malformed-header', reason };
  }
  return {
    ok: false,
    check: 'signature-mismatch',
    reason: `No signature in header "${family}-signature" matches: the secret is wrong, or the id, time or body was modified in transit.`,
  };
}
