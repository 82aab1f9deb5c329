import { createHash } from 'node:crypto';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { countOf, readSecretText, readSecrets } from './configured-secrets.js';
import { optionAt } from '../option-checks.js';
import { indexOfEqual } from './constant-time.js';
import { readHeaderName } from './header-name.js';
import { requireStrongSecret } from './secret-strength.js';
import type { SignatureScheme } from './signature-scheme.js';

/** Options for {@link staticToken}. */
export interface StaticTokenOptions {
  /** Header with the token. */
  readonly header: string;
  /**
   * Values of the header, including a scheme such as `Bearer ` if the sender adds one. A message is accepted if any of
   * them matches. At least 16 characters each, without the scheme.
   */
  readonly tokens: readonly (string | undefined)[];
}

/**
 * Returns a scheme for a shared token in a header, for senders that cannot sign. The token proves who sent a message, but
 * not that the body arrived unchanged, and everyone who sees one message can send others. The header is never stored.
 * `path` goes before the names of options in errors.
 *
 * @throws {ConfigurationError} if an option is invalid.
 */
export function staticToken(options: StaticTokenOptions, path = ''): SignatureScheme {
  const header = readHeaderName(options.header, optionAt(path, 'header'));
  const tokens = readSecrets(options.tokens, optionAt(path, 'tokens'), readToken);
  return {
    description: `static token in ${options.header}, ${countOf(tokens, 'token')}`,
    isOpenToAnyone: false,
    headersKept: [],
    verify({ headers }) {
      const value = headers[header] ?? '';
      if (value === '') {
        const reason = `Header "${header}" is missing; expected this source's token.`;
        return { ok: false, check: 'missing-header', reason };
      }
      const secretIndex = indexOfEqual(tokens, sha256(value));
      if (secretIndex >= 0) return { ok: true, secretIndex };
      const reason = `Header "${header}" does not match: its whole value must be one of this source's tokens.`;
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
      'expected printable ASCII, got other characters, which headers cannot transmit safely',
    );
  }
  // The scheme before a token, such as `Bearer`, is not secret.
  const secret = text.replace(/^(?:basic|bearer|token) +/i, '');
  requireStrongSecret({ text: secret, bytes: Buffer.from(secret), bytesMin: LIMITS.secretBytesMin }, option);
  return sha256(text);
}

/** All digests have the same length, so comparing them does not reveal the length of a token. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
