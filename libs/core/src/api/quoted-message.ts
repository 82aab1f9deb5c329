import { LIMITS } from '../limits.js';
import { oneLine } from '../one-line.js';

/** Names of headers with secrets. */
const SECRET_NAME = /auth|key|secret|token/i;

/**
 * Returns a provider's message for an error: one printable line, without URLs, and without the secrets of the call's headers,
 * which some gateways quote.
 */
export function quotedMessage(message: string, headers: Readonly<Record<string, string>>): string {
  let text = message;
  for (const [name, value] of Object.entries(headers)) {
    const parts = SECRET_NAME.test(name) ? value.split(' ') : [];
    for (const part of parts) if (part.length >= LIMITS.apiSecretCharsMin) text = text.replaceAll(part, '[secret]');
  }
  return oneLine(text.replaceAll(/\bhttps?:\/\/[^\s"']+/gi, '[URL]'), LIMITS.apiUserMessageCharsMax);
}
