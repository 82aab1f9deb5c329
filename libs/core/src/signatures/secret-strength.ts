import { ConfigurationError } from '../errors.js';
import { decodeBase64 } from './base64.js';
import { PUBLISHED_SECRETS } from './published-secrets.js';

/** Placeholders of documents and templates. */
const PLACEHOLDER = /change[-_ ]?me|placeholder|your[-_ ]|replace[-_ ]|example|\.\.\.|…|<.+>/i;

/** Variables that a shell, Compose, Kubernetes, Helm or JavaScript did not replace. */
const UNFILLED = /\$[({].+[)}]|\{\{.+\}\}|^\$\w+$|^%\w+%$|^undefined$|^\[object \w+\]$/;

/** A secret to check: its configured text, and the bytes that sign messages. */
interface CheckedSecret {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly bytesMin: number;
}

/**
 * Checks that a secret cannot be guessed: it must not be too short and, in production, not be published.
 *
 * @throws {ConfigurationError} which never contains the secret.
 */
export function requireStrongSecret({ text, bytes, bytesMin }: CheckedSecret, option: string): void {
  if (bytes.length < bytesMin) {
    throw new ConfigurationError(
      option,
      `expected at least ${bytesMin} bytes, got ${bytes.length}, which can be guessed. Use the whole secret that the provider shows, or create one with \`openssl rand -hex 32\``,
    );
  }
  if (process.env['NODE_ENV'] !== 'production') return;
  if (isPublished(text, bytes) || isFiller(text, bytes)) {
    throw new ConfigurationError(
      option,
      'expected the secret that the provider shows, got a test secret or a placeholder, which everyone can sign with, while NODE_ENV is "production"',
    );
  }
}

function isPublished(text: string, bytes: Uint8Array): boolean {
  return PUBLISHED_SECRETS.some((published) => {
    const decoded = decodeBase64(published.replace(/^wh(?:sec|pk)_/, ''));
    return published === text || decoded?.equals(bytes) === true;
  });
}

/** Returns whether a secret is a placeholder, or repeats one byte. Base64 is not searched, because it can contain any word. */
function isFiller(text: string, bytes: Uint8Array): boolean {
  const isText = Buffer.from(bytes).toString() === text;
  return new Set(bytes).size === 1 || (isText && (PLACEHOLDER.test(text) || UNFILLED.test(text)));
}
