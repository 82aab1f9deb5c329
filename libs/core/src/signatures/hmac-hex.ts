import { createHmac } from 'node:crypto';
import { LIMITS } from '../limits.js';
import type { Verification } from '../sources/verification.js';
import { readSecretText, readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import { indexOfEqual } from './constant-time.js';
import { readHeaderName } from './header-name.js';
import { requireStrongSecret } from './secret-strength.js';
import type { SignatureScheme } from './signature-scheme.js';

export interface HmacHexOptions {
  /**
   * Header with the digest. Another name is for gateways that take `Authorization` over and pass the sender's on under
   * a name of their own (Google API Gateway: `x-forwarded-authorization`).
   * @default 'authorization'
   */
  readonly header?: string | undefined;
  /** Secrets as UTF-8 text, whatever they look like; whitespace around them is dropped. Any one may match. */
  readonly secrets: readonly (string | undefined)[];
  /**
   * Shortest secret, in bytes: a shorter one stops the boot. For a provider whose own secrets are shorter.
   * @default 16
   */
  readonly secretBytesMin?: number | undefined;
}

/** SHA-256 has 32 bytes. Either case of hex is the same digest. */
const DIGEST = /^[0-9a-f]{64}$/i;

/**
 * HMAC-SHA256 of the raw body as bare hex in one header, without a scheme, an id or a time
 * (dbt: https://docs.getdbt.com/docs/deploy/webhooks). Nothing limits how long such a signature can be sent again, so
 * the header is never stored. Throws ConfigurationError; `path` goes before the option's name in it.
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
    kind: 'hmac-hex',
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
        reason: `Header "${header}" matches none of this source's secrets for the body received: the secret is another one, or the body was changed on its way.`,
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
    return 'holds credentials of another scheme, as when a gateway put its own in place of the signature (then configure the header it moved the signature to)';
  }
  if (/^sha256=/i.test(value)) return 'starts with "sha256="';
  if (value.includes(',')) return 'holds several values, as when it is sent twice';
  return 'is no such digest';
}
