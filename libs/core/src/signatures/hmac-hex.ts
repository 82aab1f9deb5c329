import { createHmac } from 'node:crypto';
import { LIMITS } from '../limits.js';
import type { Verification } from '../sources/verification.js';
import { countOf, readSecretText, readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import { indexOfEqual } from './constant-time.js';
import { readHeaderName } from './header-name.js';
import { requireStrongSecret } from './secret-strength.js';
import type { SignatureScheme } from './signature-scheme.js';

/** Options for {@link hmacHex}. */
export interface HmacHexOptions {
  /**
   * Header with the digest. Set it if a gateway replaces `Authorization` and moves the sender's value to another header
   * (Google API Gateway: `x-forwarded-authorization`).
   * @default 'authorization'
   */
  readonly header?: string | undefined;
  /** Secrets as UTF-8 text, without whitespace around them. A message is accepted if any of them matches. */
  readonly secrets: readonly (string | undefined)[];
  /**
   * Bytes of the shortest secret. Set it for a provider whose secrets are shorter than the default.
   * @default 16
   */
  readonly secretBytesMin?: number | undefined;
}

/** The 32 bytes of SHA-256 as hex, in upper or lower case. */
const DIGEST = /^[0-9a-f]{64}$/i;

/**
 * Returns a scheme for HMAC-SHA256 of the raw body as bare hex in one header, without a scheme, an id or a time
 * (dbt: https://docs.getdbt.com/docs/deploy/webhooks). Such a signature can be replayed forever, so the header is never
 * stored. `path` goes before the names of options in errors.
 *
 * @throws {ConfigurationError} if an option is invalid.
 */
export function hmacHex(options: HmacHexOptions, path = ''): SignatureScheme {
  const header = readHeaderName(options.header ?? 'authorization', optionAt(path, 'header'));
  const { secretBytesMin: bytesMin = LIMITS.secretBytesMin } = options;
  const secrets = readSecrets(options.secrets, optionAt(path, 'secrets'), (secret, option) => {
    const text = readSecretText(secret, option);
    requireStrongSecret({ text, bytes: Buffer.from(text), bytesMin }, option);
    return text;
  });
  return {
    description: `HMAC-SHA256 in ${header}, ${countOf(secrets, 'secret')}`,
    isOpenToAnyone: false,
    headersKept: [],
    verify({ headers, body }) {
      const value = headers[header] ?? '';
      if (!DIGEST.test(value)) return refuse(header, value);
      const expected = secrets.map((secret) => createHmac('sha256', secret).update(body).digest());
      const secretIndex = indexOfEqual(expected, Buffer.from(value, 'hex'));
      if (secretIndex >= 0) return { ok: true, secretIndex };
      return {
        ok: false,
        check: 'signature-mismatch',
        reason: `Header "${header}" does not match: the secret is wrong, or the body was modified in transit.`,
      };
    },
    signedId: () => '',
  };
}

function refuse(header: string, value: string): Verification {
  const expected = 'expected the bare HMAC-SHA256 of the body, 64 hex digits';
  if (value === '') {
    return { ok: false, check: 'missing-header', reason: `Header "${header}" is missing; ${expected}.` };
  }
  return { ok: false, check: 'malformed-header', reason: `Header "${header}" ${describe(value)}; ${expected}.` };
}

function describe(value: string): string {
  if (/^(?:bearer|basic|digest|negotiate)(?:\s|$)/i.test(value)) {
    return 'has credentials of another scheme; if a gateway moved the signature to another header, configure that header';
  }
  if (/^sha256=/i.test(value)) return 'starts with "sha256="';
  if (value.includes(',')) return 'has several values';
  return 'is not a digest';
}
