import { ConfigurationError } from '../errors.js';
import { decodeBase64 } from './base64.js';
import { PUBLISHED_SECRETS } from './published-secrets.js';

/** Texts that stand where a secret belongs, as documents and templates have them. */
const PLACEHOLDER = /change[-_ ]?me|placeholder|your[-_ ]|replace[-_ ]|example|\.\.\.|…|<.+>/i;

/** What is left where nothing was put in for a variable: by a shell, compose, Kubernetes or Helm, or by JavaScript. */
const UNFILLED = /\$[({].+[)}]|\{\{.+\}\}|^\$\w+$|^%\w+%$|^undefined$|^\[object \w+\]$/;

/** What a secret is checked by: its text as configured, and the bytes that a signature is made with. */
interface CheckedSecret {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly bytesMin: number;
}

/**
 * Refuses a secret that can be guessed: one that is too short, and in production one that is printed somewhere. Throws
 * ConfigurationError, which never shows the secret.
 */
export function requireStrongSecret({ text, bytes, bytesMin }: CheckedSecret, option: string): void {
  if (bytes.length < bytesMin) {
    throw new ConfigurationError(
      option,
      `found ${bytes.length} bytes; expected at least ${bytesMin}, as a shorter secret can be guessed. Use the secret that the provider shows, whole, or make one by \`openssl rand -hex 32\``,
    );
  }
  if (process.env['NODE_ENV'] !== 'production') return;
  if (isPublished(text, bytes) || isFiller(text, bytes)) {
    throw new ConfigurationError(
      option,
      'found a test secret or a placeholder, which anyone can sign with, while NODE_ENV is "production"; expected the secret that the provider shows',
    );
  }
}

function isPublished(text: string, bytes: Uint8Array): boolean {
  return PUBLISHED_SECRETS.some((published) => {
    const decoded = decodeBase64(published.replace(/^wh(?:sec|pk)_/, ''));
    return published === text || decoded?.equals(bytes) === true;
  });
}

/** A text of a template, or one character or byte over and over. Base64 is not looked at as words: any may be in it. */
function isFiller(text: string, bytes: Uint8Array): boolean {
  const isText = Buffer.from(bytes).toString() === text;
  return new Set(bytes).size === 1 || (isText && (PLACEHOLDER.test(text) || UNFILLED.test(text)));
}
