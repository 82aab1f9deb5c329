import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Verification } from '../sources/verification.js';
import { readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import type { SignatureScheme } from './signature-scheme.js';
import {
  readStandardWebhooksHeaders,
  STANDARD_WEBHOOKS_HEADERS,
  type StandardWebhooksHeaders,
} from './standard-webhooks-headers.js';
import type { StandardWebhooksSecret } from './standard-webhooks-secret.js';
import { readVerifier, type StandardWebhooksVerifier } from './standard-webhooks-verifier.js';

export interface StandardWebhooksOptions {
  /** Keys of the sender; any one may match. `whsec_…`, base64, `whpk_…` or `{ utf8: … }`. */
  readonly secrets: readonly (StandardWebhooksSecret | undefined)[];
  /**
   * How far the signed time of the attempt may lie before or after `receivedAt`, in milliseconds, compared in whole
   * seconds as that time is; the limit itself is still accepted.
   * @default 300000 (5 minutes)
   */
  readonly toleranceMs?: number | undefined;
}

/**
 * Standard Webhooks and Svix: HMAC-SHA256 (`v1`) or ed25519 (`v1a`) over `<id>.<timestamp>.<raw body>`, in `svix-*` or
 * `webhook-*` headers (https://www.standardwebhooks.com, https://docs.svix.com/receiving/verifying-payloads/how-manual).
 * The id is signed, so it can be trusted to tell a repeated message. Throws ConfigurationError; `path` goes before the
 * option's name in it.
 */
export function standardWebhooks(options: StandardWebhooksOptions, path = ''): SignatureScheme {
  const verifiers = readSecrets(options.secrets, optionAt(path, 'secrets'), readVerifier);
  const toleranceSeconds = readTolerance(options.toleranceMs, optionAt(path, 'toleranceMs')) / 1_000;
  return {
    kind: 'standard-webhooks',
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
  throw new ConfigurationError(option, `found ${toleranceMs}; expected whole milliseconds, at least 1000`);
}

function checkTime(
  { family, timestamp }: StandardWebhooksHeaders,
  receivedAt: Date,
  toleranceSeconds: number,
): Verification | undefined {
  const ageSeconds = Math.floor(receivedAt.getTime() / 1_000) - Number(timestamp);
  const side = `than this server's clock, by more than the ${toleranceSeconds} s tolerated`;
  if (ageSeconds < -toleranceSeconds) {
    return { ok: false, check: 'timestamp-too-new', reason: `Header "${family}-timestamp" is later ${side}.` };
  }
  // Written so that a receivedAt that is not a time is refused too.
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
    const reason = `Header "${family}-signature" has no entry "${versions.join(',…" or "')},…", the kind this source's secrets can check.`;
    return { ok: false, check: 'malformed-header', reason };
  }
  return {
    ok: false,
    check: 'signature-mismatch',
    reason: `No signature in header "${family}-signature" matches this source's secrets for the id, time and body received: the secret is another one, or something was changed on its way.`,
  };
}
