/** Characters to replace: NUL and lone surrogates, which Postgres rejects in strings, and the escape character. */
const REJECTED = /[\0\u241b\p{Surrogate}]/gu;
const SIGN = '\u241b';
const REPLACED = /\u241b([0-9a-f]{4})/g;

/** Returns a string that Postgres accepts: each rejected character becomes `␛` and its code. */
export function toPostgresText(text: string): string {
  return text.replace(REJECTED, (character) => SIGN + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

/** Returns the string that {@link toPostgresText} was called with. */
export function fromPostgresText(text: string): string {
  if (!text.includes(SIGN)) return text;
  return text.replace(REPLACED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Returns JSON in which each string is converted by {@link toPostgresText}. */
export function toPostgresJson(values: unknown): string {
  const text = JSON.stringify(values, (_, value: unknown) =>
    typeof value === 'string' ? toPostgresText(value) : value,
  );
  // An escape of JSON, so that the JSON itself contains no character that would be replaced again.
  return text.replaceAll(SIGN, String.raw`\u241b`);
}
