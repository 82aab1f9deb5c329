import { createHash } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { readSecretText, readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import { indexOfEqual } from './constant-time.js';
import { readHeaderName } from './header-name.js';
import { requireStrongSecret } from './secret-strength.js';
import type { SignatureScheme } from './signature-scheme.js';

export interface StaticTokenOptions {
  /** Header with the token. */
  readonly header: string;
  /**
   * The header's whole value, including a scheme such as `Bearer ` if the sender adds one. Any one may match. At least
   * 16 characters without the scheme.
   */
  readonly tokens: readonly (string | undefined)[];
}

/**
 * A shared token in a header, for senders that cannot sign. It proves who sent a message but not that the body arrived
 * unchanged, and whoever sees one message can send others. The header is never stored. Throws ConfigurationError;
 * `path` goes before the option's name in it.
 */
export function staticToken(options: StaticTokenOptions, path = ''): SignatureScheme {
  const header = readHeaderName(options.header, optionAt(path, 'header'));
  const tokens = readSecrets(options.tokens, optionAt(path, 'tokens'), readToken);
  return {
    kind: 'static-token',
    headersKept: [],
    verify({ headers }) {
      const value = headers[header] ?? '';
      if (value === '') {
        const reason = `Header "${header}" is missing; expected this source's token.`;
        return { ok: false, check: 'missing-header', reason };
      }
      const secretIndex = indexOfEqual(tokens, sha256(value));
      if (secretIndex >= 0) return { ok: true, secretIndex };
      const reason = `Header "${header}" holds none of this source's tokens; its whole value is compared.`;
      return { ok: false, check: 'signature-mismatch', reason };
    },
    signedId: () => '',
  };
}

function readToken(token: string | undefined, option: string): Buffer {
  const text = readSecretText(token, option);
  if (!/^[\x20-\x7e]+$/.test(text)) {
    throw new ConfigurationError(
      option,
      'found other characters than printable ASCII, which headers cannot carry safely',
    );
  }
  // The word before a token, such as `Bearer`, is no secret.
  const secret = text.replace(/^(?:basic|bearer|token) +/i, '');
  requireStrongSecret({ text: secret, bytes: Buffer.from(secret), bytesMin: LIMITS.secretBytesMin }, option);
  return sha256(text);
}

/** Digests are of one length, so comparing them does not give away the length of a token. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
