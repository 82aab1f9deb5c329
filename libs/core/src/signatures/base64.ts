const BASE64 = /^([A-Za-z0-9+/]+)(={0,2})$/;

/**
 * Decodes standard base64 with or without padding. Returns `undefined` for any other text, including URL-safe base64, as
 * the Standard Webhooks libraries do: a secret with `-` or `_` in it is more likely plain text.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const [, digits = '', padding = ''] = BASE64.exec(text) ?? [];
  const whole = padding === '' ? digits.length % 4 !== 1 : text.length % 4 === 0;
  return digits !== '' && whole ? Buffer.from(digits, 'base64') : undefined;
}
